#include "pool/manual/option_table.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <string>

namespace hydrapool::manual {
namespace {

TEST(OptionTableTest, HasAnEntryForEachOption) {
  CLI::App app("Does things.");
  app.footer("  do it\tnow\n");
  app.get_help_ptr()->description("print this")->group("Other");
  std::string file;
  int much = 0;
  bool quiet = false;
  bool hidden = false;
  app.add_option("URL", file, "where");
  app.add_option("-o,--output", file, "what \\ is written")->type_name("FILE")->group("Output");
  app.add_flag("--much{3}", much, "how much");
  app.add_flag("-q", quiet, "say nothing");
  app.add_flag("--hidden", hidden, "not shown")->group("");
  EXPECT_EQ(OptionTable(app),
            "about\tDoes things.\n"
            "footer\t  do it\\tnow\\n\n"
            "option\t-h,--help\t\tOther\t\tprint this\n"
            "option\tURL\tTEXT\tOptions\t\twhere\n"
            "option\t-o,--output\tFILE\tOutput\t\twhat \\\\ is written\n"
            "option\t--much\t\tOptions\t\thow much\n"
            "option\t-q\t\tOptions\t\tsay nothing\n");
}

TEST(OptionTableTest, IsThereForThoseWhoAsk) {
  CLI::App app("Does things.");
  const char* asked[] = {"does", "--describe-options"};
  const char* other[] = {"does", "--describe-options", "more"};
  EXPECT_EQ(TableIfAsked(app, 2, asked), OptionTable(app));
  EXPECT_FALSE(TableIfAsked(app, 1, asked));
  EXPECT_FALSE(TableIfAsked(app, 3, other));
}

}  // namespace
}  // namespace hydrapool::manual
