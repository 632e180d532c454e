// What the samples in C share: numbers from the query, sleeping, reading a body.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// The value of NAME=VALUE in the query, in a buffer that the next call overwrites; "" where there is none.
// Nothing is decoded.
static inline const char* query(const char* name) {
  static char value[256];
  const char* at = getenv("QUERY_STRING");
  const size_t length = strlen(name);
  value[0] = '\0';
  while (at != NULL && *at != '\0') {
    const size_t part = strcspn(at, "&");
    if (part > length && strncmp(at, name, length) == 0 && at[length] == '=') {
      snprintf(value, sizeof value, "%.*s", (int)(part - length - 1), at + length + 1);
      return value;
    }
    at += part + (at[part] == '&');
  }
  return value;
}

static inline long query_number(const char* name, long otherwise) {
  const char* value = query(name);
  return *value != '\0' ? strtol(value, NULL, 10) : otherwise;
}

static inline void sleep_milliseconds(long milliseconds) {
  const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

// Up to `size` bytes of the request's body: CONTENT_LENGTH says how many are left, without one it goes on to
// the end of input. 0: no more. Keep `*left` as it is between calls and begin with body_length().
static inline long long body_length(void) {
  const char* length = getenv("CONTENT_LENGTH");
  return length != NULL && *length != '\0' ? strtoll(length, NULL, 10) : -1;
}

static inline size_t read_body(char* buffer, size_t size, long long* left) {
  if (*left >= 0 && (unsigned long long)*left < size) size = (size_t)*left;
  const ssize_t n = size > 0 ? read(STDIN_FILENO, buffer, size) : 0;
  if (n <= 0) return 0;
  if (*left > 0) *left -= n;
  return (size_t)n;
}
