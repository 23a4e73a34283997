/*
 * The floor: what the kernel alone takes for the bytes that nftlink sends. Replays batches from a file on one netfilter
 * socket, in the network namespace that it was started in, and prints the nanoseconds inside sendmsg for each timed one.
 *
 * File: for each batch u32 flags (1: timed), u32 length, bytes.   Usage: floor FILE
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static void die(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static unsigned char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) die(path);
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  unsigned char *bytes = malloc((size_t)size);
  if (size < 0 || bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) die(path);
  fclose(file);
  *length = (size_t)size;
  return bytes;
}

/* An error message means that the batch was refused: then there is nothing to compare with. */
static void check_replies(int fd) {
  union {
    struct nlmsghdr header;
    unsigned char bytes[8192];
  } reply;
  ssize_t length;
  while ((length = recv(fd, &reply, sizeof reply, MSG_DONTWAIT)) > 0) {
    if (reply.header.nlmsg_type != NLMSG_ERROR) continue;
    errno = -((struct nlmsgerr *)NLMSG_DATA(&reply.header))->error;
    if (errno != 0) die("the kernel refused a batch");
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: floor FILE\n");
    return 2;
  }
  size_t length;
  unsigned char *bytes = read_file(argv[1], &length);
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  if (fd < 0) die("socket");
  int buffer = 512 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0) die("SO_SNDBUFFORCE");
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  for (size_t at = 0; at + 8 <= length;) {
    uint32_t flags, size;
    memcpy(&flags, bytes + at, 4);
    memcpy(&size, bytes + at + 4, 4);
    struct iovec part = {bytes + at + 8, size};
    struct msghdr message = {.msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = &part, .msg_iovlen = 1};
    uint64_t start = now_ns();
    if (sendmsg(fd, &message, 0) < 0) die("sendmsg");
    uint64_t took = now_ns() - start;
    check_replies(fd);
    if (flags & 1) printf("%llu\n", (unsigned long long)took);
    at += 8 + size;
  }
  return 0;
}
