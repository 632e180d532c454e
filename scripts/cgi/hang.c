// Never answers and does not listen to SIGTERM: only SIGKILL ends it. Shows what the deadline does.
#include <signal.h>
#include <unistd.h>

int main(void) {
  signal(SIGTERM, SIG_IGN);
  for (;;) pause();
}
