#include "pool/cgi/courier_plan.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "pool/cgi/test_courier_views.h"

namespace hydrapool::cgi {
namespace {

/// One row: what is seen, and what comes next.
struct Row {
  std::string name;
  CourierView view;
  CourierAction next;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

const std::vector<Row> kRows{
    // Without a head.
    {"NothingYet", Seen(0), Wait()},
    {"HalfAHead", Seen(50), Wait(kNow + kLookAgain)},
    {"AHeadThatFillsThePipe", Seen(32 * 1024), {.kind = Kind::kWiden}},
    {"AndTheWidenedPipe", But(Seen(32 * 1024), [](auto& view) { view.widened = true; }),
     Wait(kNow + kLookAgain)},
    {"MalformedHead", kMalformed, Refuse(502, "bad")},
    {"EndWithoutAHead", HungUp(Seen(50)), Refuse(502, "the program ended before the end of its head")},
    {"EndWithoutAByte", HungUp(Seen(0)), Refuse(502, "the program ended before the end of its head")},
    {"CrashWithoutAHead", HungUp(Seen(0), Program::kKilled), Refuse(502, "the program crashed")},
    {"EndWithoutAHeadNotYetReaped", HungUp(Seen(0), Program::kEnding), Wait(kNow + kLookAgain)},
    {"OutputClosedWithoutAHead", ClosedBefore(HungUp(Seen(0), Program::kRuns)),
     Refuse(502, "the program ended before the end of its head")},
    {"ChildHoldsWithoutAHead", Held(Seen(0), 0), Wait(kNow + kOwedGrace)},
    {"ChildHoldsWithoutAHeadStill", Held(Seen(0), kChildGrace), Wait(kNow - kChildGrace + kOwedGrace)},
    {"ChildHeldWithoutAHead", Held(Seen(0), kOwedGrace),
     Refuse(502, "the program ended before the end of its head")},
    // Whole answers.
    {"WholeAtItsEnd", HungUp(WithHead(10)), Whole(10)},
    {"WholeAndEmpty", HungUp(WithHead(0)), Whole(0)},
    {"WholeWithAnExitCode", HungUp(WithHead(10), Program::kEnded), Whole(10)},
    {"WholeNotYetReaped", HungUp(WithHead(10), Program::kEnding), Wait(kNow + kLookAgain)},
    {"CrashedAfterItsHead", HungUp(WithHead(10), Program::kKilled), Refuse(502, "the program crashed")},
    {"ClosedItsOutputAndRuns", ClosedBefore(HungUp(WithHead(10), Program::kRuns)), Whole(10)},
    {"ClosedItsOutputAndCrashedLater", ClosedBefore(HungUp(WithHead(10), Program::kKilled)), Whole(10)},
    {"PromiseKept", HungUp(WithHead(10, 10)), Whole(10)},
    {"PromiseKeptWhileItRuns", WithHead(10, 10), Whole(10)},
    {"PromiseKeptThenCrashed", HungUp(WithHead(10, 10), Program::kKilled), Whole(10)},
    {"PromiseKeptNotYetReaped", HungUp(WithHead(10, 10), Program::kEnding), Whole(10)},
    {"MoreThanPromised", HungUp(WithHead(15, 4)), Whole(4)},
    {"MoreThanPromisedWhileItRuns", WithHead(15, 4), Whole(4)},
    {"LessThanPromised", HungUp(WithHead(4, 15)),
     Refuse(502, "the program's output is shorter than it promised")},
    {"LessThanPromisedWhileItRuns", WithHead(4, 15), Wait(kNow + kHoldBack)},
    {"PromiseOfNothing", WithHead(0, 0), Whole(0)},
    {"ChildHoldsAWholePage", Held(WithHead(10), 0), Wait(kNow + kHoldBack)},
    {"ChildHeldAWholePage", Held(WithHead(10), kChildGrace), Whole(10)},
    {"ChildHoldsLessThanPromised", HeldBack(Held(WithHead(4, 15), kChildGrace)), Begin(Framing::kLength, 15)},
    {"ChildHeldLessThanPromised", Held(WithHead(4, 15), kOwedGrace),
     Refuse(502, "the program's output is shorter than it promised")},
    {"ChildHeldACrashedPage", Held(WithHead(10), kChildGrace, Program::kKilled),
     Refuse(502, "the program crashed")},
    {"TooMuchForOneStep", HungUp(WithHead(kWholeAnswer)), Begin(Framing::kLength, kWholeAnswer)},
    {"TooLargeAHeadForOneStep",
     But(HungUp(WithHead(20'000)), [](auto& view) { view.head.size = kWholeHead + 1; }),
     Begin(Framing::kLength, 20'000 + kHead - kWholeHead - 1)},
    // Held back, then piece by piece.
    {"HeldBack", WithHead(10), Wait(kNow + kHoldBack)},
    {"HeldBackLongEnough", HeldBack(WithHead(10)), Begin(Framing::kChunks)},
    {"Presses", WithHead(32 * 1024), Begin(Framing::kChunks)},
    {"PromisedHeldBackLongEnough", HeldBack(WithHead(10, 1000)), Begin(Framing::kLength, 1000)},
    {"OldClientHeldBack", OldClient(WithHead(10)), Wait(kNow + kHoldBack)},
    {"OldClientHeldBackLongEnough", OldClient(HeldBack(WithHead(10))), Begin(Framing::kClose)},
    {"OldClientPromised", OldClient(HeldBack(WithHead(10, 1000))), Begin(Framing::kLength, 1000)},
    {"OldClientWhole", OldClient(HungUp(WithHead(10))), Whole(10)},
    // Without a body.
    {"HeadWhole", HeadRequest(HungUp(WithHead(10))), Bodyless()},
    {"HeadWholePromised", HeadRequest(HungUp(WithHead(0, 1000))), Bodyless(1000)},
    {"HeadHeldBack", HeadRequest(WithHead(10)), Wait(kNow + kHoldBack)},
    {"HeadHeldBackLongEnough", HeadRequest(HeldBack(WithHead(10))), Bodyless()},
    {"HeadCrashed", HeadRequest(HungUp(WithHead(10), Program::kKilled)), Refuse(502, "the program crashed")},
    {"HeadOfAKeptPromiseThenCrashed", HeadRequest(HungUp(WithHead(10, 10), Program::kKilled)), Bodyless(10)},
    {"HeadOfABrokenPromiseAndACrash", HeadRequest(HungUp(WithHead(5, 10), Program::kKilled)),
     Refuse(502, "the program crashed")},
    {"HeadOfAllChunksThenCrashed", Coded(HeadRequest(HungUp(WithHead(30), Program::kKilled)), kDone, 10),
     Bodyless()},
    {"NotModifiedThenCrashed", HungUp(kNotModified, Program::kKilled), Bodyless()},
    {"NotModifiedWhole", HungUp(kNotModified), Bodyless()},
    {"NotModifiedHeldBackLongEnough", HeldBack(kNotModified), Bodyless()},
    // Local redirects and programs that speak HTTP themselves.
    {"Redirect", HungUp(kRedirect), {.kind = Kind::kRedirect}},
    {"RedirectHeldBack", kRedirect, Wait(kNow + kHoldBack)},
    {"RedirectOfOneThatLivesOn", HeldBack(kRedirect), {.kind = Kind::kRedirect}},
    {"RedirectOfACrashed", HungUp(kRedirect, Program::kKilled), Refuse(502, "the program crashed")},
    {"RedirectInALoop", HungUp(But(kRedirect, [](auto& view) { view.notes.redirects = kMostRedirects; })),
     Refuse(502, "too many local redirects")},
    {"RawWhole", HungUp(kRaw), Begin(Framing::kClose)},
    {"RawHeldBackLongEnough", HeldBack(kRaw), Begin(Framing::kClose)},
    {"RawForHead", HeadRequest(HungUp(kRaw)), Begin(Framing::kClose)},
    // The answer's head, once noted.
    {"HeadToSend", But(Answering(Framing::kChunks, 0, 0, kHead), [](auto& view) { view.sent = 1000; }),
     Head()},
    {"HeadToSendIsAll", But(Answering(Framing::kLength, 0, 0, kHead), [](auto& view) { view.sent = 1000; }),
     Head(true)},
    {"HeadToSendBeforeABody",
     But(Answering(Framing::kLength, 9, 0, kHead), [](auto& view) { view.sent = 1000; }), Head()},
    // The body by its length.
    {"LengthNothingYet", Answering(Framing::kLength, 100, 40, 0), Wait()},
    {"LengthAPiece", Answering(Framing::kLength, 100, 40, 10), Body(10)},
    {"LengthTheRest", Answering(Framing::kLength, 100, 40, 60), Body(60, true)},
    {"LengthMoreThanTheRest", Answering(Framing::kLength, 100, 40, 90), Body(60, true)},
    {"LengthTheRestOfACrashed", HungUp(Answering(Framing::kLength, 100, 40, 60), Program::kKilled),
     Body(60, true)},
    {"LengthShort", HungUp(Answering(Framing::kLength, 100, 40, 0)), kEndedCut},
    {"LengthAPieceOfShort", HungUp(Answering(Framing::kLength, 100, 40, 10)), Body(10)},
    {"LengthShortNotYetReaped", HungUp(Answering(Framing::kLength, 100, 40, 0), Program::kEnding),
     Wait(kNow + kLookAgain)},
    {"LengthShortByACrash", HungUp(Answering(Framing::kLength, 100, 40, 0), Program::kKilled), kCrashedCut},
    {"LengthChildHolds", Held(Answering(Framing::kLength, 100, 40, 0), 0), Wait(kNow + kOwedGrace)},
    {"LengthChildHoldsStill", Held(Answering(Framing::kLength, 100, 40, 0), kChildGrace),
     Wait(kNow - kChildGrace + kOwedGrace)},
    {"LengthChildHeld", Held(Answering(Framing::kLength, 100, 40, 0), kOwedGrace), kEndedCut},
    // To the output's end.
    {"ChunksNothingYet", Answering(Framing::kChunks, 0, 40, 0), Wait()},
    {"ChunksAPiece", Answering(Framing::kChunks, 0, 40, 10), Body(10)},
    {"ChunksTheRest", HungUp(Answering(Framing::kChunks, 0, 40, 10)), Body(10, true)},
    {"ChunksTheEnd", HungUp(Answering(Framing::kChunks, 0, 40, 0)), Body(0, true)},
    {"ChunksTheEndNotYetReaped", HungUp(Answering(Framing::kChunks, 0, 40, 0), Program::kEnding),
     Wait(kNow + kLookAgain)},
    {"ChunksAPieceNotYetReaped", HungUp(Answering(Framing::kChunks, 0, 40, 10), Program::kEnding), Body(10)},
    {"ChunksCrashed", HungUp(Answering(Framing::kChunks, 0, 40, 0), Program::kKilled), kCrashedCut},
    {"ChunksClosedThenCrashed", ClosedBefore(HungUp(Answering(Framing::kChunks, 0, 40, 0), Program::kKilled)),
     Body(0, true)},
    {"ChunksChildHolds", Held(Answering(Framing::kChunks, 0, 40, 0), 0), Wait(kNow + kChildGrace)},
    {"ChunksChildWritesOn", Held(Answering(Framing::kChunks, 0, 40, 10), 0), Body(10)},
    {"ChunksChildHeld", Held(Answering(Framing::kChunks, 0, 40, 0), kChildGrace), Body(0, true)},
    {"CloseAPiece", Answering(Framing::kClose, 0, 40, 10), Body(10)},
    {"CloseTheEnd", HungUp(Answering(Framing::kClose, 0, 40, 0)), Body(0, true)},
    {"CloseCrashed", HungUp(Answering(Framing::kClose, 0, 40, 0), Program::kKilled), kCrashedCut},
    // Coded in chunks.
    {"CodedWhole", Coded(WithHead(30), kDone, 10), Whole(10)},
    {"CodedWholeAtItsEnd", Coded(HungUp(WithHead(30)), kDone, 10), Whole(10)},
    {"CodedWholeThenCrashed", Coded(HungUp(WithHead(30), Program::kKilled), kDone, 10), Whole(10)},
    {"CodedHeldBack", Coded(WithHead(30), kGoesOn, 10), Wait(kNow + kHoldBack)},
    {"CodedHeldBackLongEnough", Coded(HeldBack(WithHead(30)), kGoesOn, 10), Begin(Framing::kChunks)},
    {"CodedForAnOldClient", Coded(OldClient(HeldBack(WithHead(30))), kGoesOn, 10), Begin(Framing::kClose)},
    {"CodedBadly", Coded(WithHead(30), kBad, 10), Refuse(502, "the program's chunks are malformed")},
    {"CodedShort", Coded(HungUp(WithHead(30)), kGoesOn, 10),
     Refuse(502, "the program's output ends within its chunks")},
    {"CodedShortByACrash", Coded(HungUp(WithHead(30), Program::kKilled), kGoesOn, 10),
     Refuse(502, "the program crashed")},
    {"CodedShortNotYetReaped", Coded(HungUp(WithHead(30), Program::kEnding), kGoesOn, 10),
     Wait(kNow + kLookAgain)},
    {"CodedForHead", Coded(HeadRequest(HeldBack(WithHead(30))), kGoesOn, 10), Bodyless()},
    {"CodedFraming",
     Coded(Answering(Framing::kChunks, 0, 40, 20), kGoesOn, 10, 5),
     {.kind = Kind::kTakeFraming, .bytes = 5}},
    {"CodedFramingWithoutItsEnd", Coded(Answering(Framing::kChunks, 0, 40, 5), kGoesOn, 0, 5),
     Wait(kNow + kLookAgain)},
    {"CodedData", Coded(Answering(Framing::kChunks, 0, 40, 20), kGoesOn, 10), Body(10)},
    {"CodedLastChunk", Coded(Answering(Framing::kChunks, 0, 40, 7), kDone, 0, 7), Body(0, true)},
    {"CodedLastChunkOfACrashed",
     Coded(HungUp(Answering(Framing::kChunks, 0, 40, 7), Program::kKilled), kDone, 0, 7), Body(0, true)},
    {"CodedLastChunkBeforeTheFeedIsDone",
     Coded(Feeding(Answering(Framing::kChunks, 0, 40, 7), 1000, false), kDone, 0, 7),
     {.kind = Kind::kFeed, .bytes = 1000}},
    {"CodedWithoutALastChunk", Coded(HungUp(Answering(Framing::kChunks, 0, 40, 2)), kGoesOn, 0, 2),
     kEndedCut},
    {"CodedBadlyInTheMiddle", Coded(Answering(Framing::kChunks, 0, 40, 2), kBad, 0, 1),
     Cut("malformed chunks in its answer")},
    // Feeding.
    {"FeedsFromItsHeadOn",
     Feeding(Seen(0), 5300, false),
     {.kind = Kind::kFeed, .discard = 300, .bytes = 5000}},
    {"FeedsOnInItsHead", Feeding(Seen(0), 5200, false), {.kind = Kind::kFeed, .discard = 200, .bytes = 5000}},
    {"FeedsOnInItsBody", Feeding(Seen(0), 1000, false), {.kind = Kind::kFeed, .bytes = 1000}},
    {"FedWhole", Feeding(Seen(0), 0, false), {.kind = Kind::kEndInput}},
    {"FedWholeAndEnded", But(Feeding(Seen(0), 0, false), [](auto& view) { view.input_open = false; }),
     Wait()},
    {"Continue",
     But(Feeding(Seen(0), 5300, false), [](auto& view) { view.notes.wants_continue = true; }),
     {.kind = Kind::kContinue}},
    {"ContinueSent",
     But(Feeding(Seen(0), 5300, false),
         [](auto& view) {
           view.notes.wants_continue = true;
           view.sent = 25;
         }),
     {.kind = Kind::kFeed, .discard = 300, .bytes = 5000}},
    {"AnswerWaitsForTheFeed", Feeding(HeldBack(WithHead(10)), 1000), Wait(kNow + kLookAgain)},
    {"KeptPromiseWaitsForTheFeed", Feeding(WithHead(10, 10), 1000), Wait(kNow + kLookAgain)},
    {"PressesWhileFeeding", Feeding(WithHead(32 * 1024), 1000), kPause},
    {"PressesBetweenFeeds", Feeding(WithHead(32 * 1024), 1000, false), Begin(Framing::kChunks)},
    {"EndsWhileFeeding", Feeding(HungUp(WithHead(10)), 1000), kPause},
    {"EndedWhileFeeding", Feeding(HungUp(WithHead(10)), 1000, false), Whole(10)},
    {"AnswersWhileFeeding", Feeding(Answering(Framing::kChunks, 0, 40, 10), 1000), kPause},
    {"AnswersBetweenFeeds", Feeding(Answering(Framing::kChunks, 0, 40, 10), 1000, false), Body(10)},
    {"FeedsBetweenPieces",
     Feeding(Answering(Framing::kChunks, 0, 40, 0), 1000, false),
     {.kind = Kind::kFeed, .bytes = 1000}},
    {"KeepsItsPromiseBeforeTheFeedIsDone", Feeding(Answering(Framing::kLength, 100, 40, 60), 1000, false),
     Body(60)},
    {"HasKeptItBeforeTheFeedIsDone",
     Feeding(Answering(Framing::kLength, 100, 100, 0), 1000, false),
     {.kind = Kind::kFeed, .bytes = 1000}},
    {"HasKeptItAndWhatItIsFedIsPending", Feeding(Answering(Framing::kLength, 100, 100, 0), 1000), Wait()},
    {"HasKeptItAndTheFeedIsDone", Feeding(Answering(Framing::kLength, 100, 100, 0), 0, false), Body(0, true)},
    {"HasKeptItAndEnds", HungUp(Feeding(Answering(Framing::kLength, 100, 100, 0), 1000, false)),
     Body(0, true)},
};

class CourierPlanTest : public testing::TestWithParam<Row> {};

TEST_P(CourierPlanTest, SaysWhatComesNext) { EXPECT_EQ(NextAction(GetParam().view), GetParam().next); }

INSTANTIATE_TEST_SUITE_P(Table, CourierPlanTest, testing::ValuesIn(kRows),
                         [](const auto& row) { return row.param.name; });

CourierView Patient(CourierView view, sys::Nanos patience = 10 * sys::kSecond) {
  view.notes.patience = patience;
  return view;
}

constexpr std::uint64_t kRate = CourierView{}.least_rate;

TEST(CourierDeadlineTest, AnUploadThatMovesIsGivenMoreTime) {
  EXPECT_EQ(AtDeadline(Patient(Seen(0)), 10 * kRate + 1), Wait());
  EXPECT_EQ(AtDeadline(Patient(Seen(0)), 10 * kRate).kind, Kind::kRefuse);
  EXPECT_EQ(AtDeadline(Patient(Seen(0), sys::kSecond / 2), 1), Wait());
}

TEST(CourierDeadlineTest, WithoutAnAnswerItIsA504) {
  EXPECT_EQ(AtDeadline(Patient(Seen(0)), 0), Refuse(504, "the program did not answer in time"));
  EXPECT_EQ(AtDeadline(Patient(WithHead(10)), 0).status, 504);
}

TEST(CourierDeadlineTest, HalfAnAnswerIsCutAndAWholeOneEnded) {
  EXPECT_EQ(AtDeadline(Patient(Answering(Framing::kChunks, 0, 40, 0)), 0).kind, Kind::kCut);
  EXPECT_EQ(AtDeadline(Patient(Answering(Framing::kLength, 100, 40, 0)), 0).kind, Kind::kCut);
  EXPECT_EQ(AtDeadline(Patient(Answering(Framing::kLength, 100, 100, 0)), 0), Body(0, true));
}

}  // namespace
}  // namespace hydrapool::cgi
