// Shows the environment that a CGI program gets, and nothing else: one NAME=VALUE a line, arguments and
// directory first.
#include <stdio.h>
#include <unistd.h>

extern char** environ;

int main(int argc, char** argv) {
  char directory[4096];
  printf("Content-Type: text/plain\n\n");
  for (int i = 0; i < argc; ++i) printf("argv[%d]: %s\n", i, argv[i]);
  if (getcwd(directory, sizeof directory) != NULL) printf("directory: %s\n", directory);
  for (char** variable = environ; *variable != NULL; ++variable) printf("%s\n", *variable);
  return 0;
}
