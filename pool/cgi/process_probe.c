// What a process that cgi::Spawn started finds about itself, one "key=value" a line on stdout; argv[1] "stay": then reads
// stdin to its end before it exits.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char** environ;

static void print_descriptors(void) {
  DIR* directory = opendir("/proc/self/fd");
  printf("fds=");
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory)) printf("%s ", entry->d_name);
  }
  printf("\n");
  closedir(directory);
}

static void print_status_lines(void) {
  FILE* status = fopen("/proc/self/status", "r");
  char line[512];
  while (fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, "Sig", 3) != 0 && strncmp(line, "ShdPnd", 6) != 0 && strncmp(line, "NoNewPrivs", 10) != 0) continue;
    char* colon = strchr(line, ':');
    *colon = '\0';
    printf("%s=%s", line, colon + 1 + strspn(colon + 1, "\t "));
  }
  fclose(status);
}

static void print_limit(const char* name, int resource) {
  struct rlimit limit;
  getrlimit(resource, &limit);
  printf("%s=%ld %ld\n", name, (long)limit.rlim_cur, (long)limit.rlim_max);
}

int main(int argc, char** argv) {
  char cwd[4096];
  int death_signal = 0;
  prctl(PR_GET_PDEATHSIG, &death_signal);
  print_descriptors();
  print_status_lines();
  printf("pid=%d\nppid=%d\npgid=%d\npdeathsig=%d\n", getpid(), getppid(), getpgid(0), death_signal);
  printf("cwd=%s\numask=%03o\nargc=%d\nargv0=%s\n", getcwd(cwd, sizeof cwd), umask(0), argc, argv[0]);
  print_limit("core", RLIMIT_CORE);
  print_limit("cpu", RLIMIT_CPU);
  print_limit("as", RLIMIT_AS);
  print_limit("nofile", RLIMIT_NOFILE);
  for (char** variable = environ; *variable != NULL; ++variable) printf("env:%s\n", *variable);
  fflush(stdout);
  fprintf(stderr, "probe on stderr\n");
  char byte;
  if (argc > 1 && strcmp(argv[1], "stay") == 0) {
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  }
  return 0;
}
