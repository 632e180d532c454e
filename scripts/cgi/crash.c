// Dies by SIGSEGV: /crash?when=start (default) before it says anything, ?when=head in the middle of its head,
// ?when=body after the head and some of a body that is shorter than promised.
#include <signal.h>

#include "cgi.h"

int main(void) {
  const char* when = query("when");
  if (strcmp(when, "head") == 0) printf("Content-Type: text/pl");
  if (strcmp(when, "body") == 0) printf("Content-Type: text/plain\nContent-Length: 100\n\nthe beginning of");
  fflush(stdout);
  raise(SIGSEGV);
  return 0;
}
