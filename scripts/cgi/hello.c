// The smallest CGI program: a head, an empty line, a body. With a query it repeats it, so that answers can be
// told apart.
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  const char* query = getenv("QUERY_STRING");
  printf("Content-Type: text/plain\n\nhello%s%s\n", query && *query ? " " : "", query ? query : "");
  return 0;
}
