/*
 * The floor of listings: what the kernel alone takes to dump the rules of a chain or the elements of a set to a reader that
 * only counts. Asks in the network namespace that it was started in, and prints nanoseconds and bytes of each round.
 *
 * Usage: reader rules|elements TABLE CHAIN|SET ROUNDS     (of family ip)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { RECEIVE_BYTES = 64 << 10 };

static void die(const char *what) {
  fprintf(stderr, "reader: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t put_text(unsigned char *at, uint16_t type, const char *text) {
  struct nlattr header = {.nla_len = (uint16_t)(NLA_HDRLEN + strlen(text) + 1), .nla_type = type};
  memcpy(at, &header, sizeof header);
  memcpy(at + NLA_HDRLEN, text, strlen(text) + 1);
  return NLA_ALIGN(header.nla_len);
}

static size_t make_request(unsigned char *message, int rules, const char *table, const char *name) {
  unsigned char *at = message + NLMSG_HDRLEN;
  struct nfgenmsg general = {.nfgen_family = 2, .version = NFNETLINK_V0};
  memcpy(at, &general, sizeof general);
  at += sizeof general;
  at += put_text(at, rules ? NFTA_RULE_TABLE : NFTA_SET_ELEM_LIST_TABLE, table);
  at += put_text(at, rules ? NFTA_RULE_CHAIN : NFTA_SET_ELEM_LIST_SET, name);
  struct nlmsghdr header = {
      .nlmsg_len = (uint32_t)(at - message),
      .nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | (rules ? NFT_MSG_GETRULE : NFT_MSG_GETSETELEM),
      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
      .nlmsg_seq = 1,
  };
  memcpy(message, &header, sizeof header);
  return header.nlmsg_len;
}

/* Reads to the end of the dump; gives the number of bytes. */
static size_t read_all(int fd) {
  static _Alignas(struct nlmsghdr) unsigned char buffer[RECEIVE_BYTES];
  for (size_t total = 0;;) {
    ssize_t received = recv(fd, buffer, sizeof buffer, 0);
    if (received < 0) die("recv");
    total += (size_t)received;
    size_t left = (size_t)received;
    for (struct nlmsghdr *at = (struct nlmsghdr *)buffer; NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
      if (at->nlmsg_type == NLMSG_DONE) return total;
      if (at->nlmsg_type != NLMSG_ERROR) continue;
      errno = -((struct nlmsgerr *)NLMSG_DATA(at))->error;
      die("the kernel refused");
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: reader rules|elements TABLE CHAIN|SET ROUNDS\n");
    return 2;
  }
  unsigned char message[1024];
  if (strlen(argv[2]) > 255 || strlen(argv[3]) > 255) return 2;
  size_t length = make_request(message, strcmp(argv[1], "rules") == 0, argv[2], argv[3]);
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  if (fd < 0) die("socket");
  for (int round = atoi(argv[4]); round > 0; round--) {
    uint64_t start = now_ns();
    if (send(fd, message, length, 0) < 0) die("send");
    size_t bytes = read_all(fd);
    printf("%llu %zu\n", (unsigned long long)(now_ns() - start), bytes);
  }
  return 0;
}
