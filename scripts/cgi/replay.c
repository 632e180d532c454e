// Says what a file beside it holds, in pieces: /replay?of=FILE&cut=N&every=K&ms=MS pauses for MS after the first N
// bytes, or after each K bytes. MS 0: it writes them one by one without a pause. &kill=SIGNAL or &code=N: how it
// ends after that. A body is not read.
#include <fcntl.h>
#include <signal.h>

#include "cgi.h"

static void say(const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t count = write(STDOUT_FILENO, bytes, size);
    if (count <= 0) exit(1);
    bytes += count;
    size -= (size_t)count;
  }
}

int main(void) {
  static char text[1 << 16];
  const int file = open(query("of"), O_RDONLY | O_CLOEXEC);
  const ssize_t got = file >= 0 ? read(file, text, sizeof text) : -1;
  if (got < 0) return 2;
  const size_t size = (size_t)got;
  const size_t cut = (size_t)query_number("cut", 0);
  const size_t every = (size_t)query_number("every", 0);
  const long pause = query_number("ms", 0);
  size_t said = 0;
  while (said < size) {
    size_t stop = every > 0 ? said + every : said < cut ? cut : size;
    if (stop > size) stop = size;
    say(text + said, stop - said);
    said = stop;
    if (pause > 0 && said < size) sleep_milliseconds(pause);
  }
  if (query_number("kill", 0) != 0) raise((int)query_number("kill", 0));
  return (int)query_number("code", 0);
}
