// Answers at once and leaves a child behind, in a session of its own, which sleeps: /leave?seconds=1 (default).
#include <fcntl.h>
#include <unistd.h>

#include "cgi.h"

int main(void) {
  const long seconds = query_number("seconds", 1);
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    const int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2; ++fd) dup2(nothing, fd);
    sleep_milliseconds(seconds * 1000);
    _exit(0);
  }
  printf("Content-Type: text/plain\n\n%s\n", child > 0 ? "left a child" : "could not fork");
  return 0;
}
