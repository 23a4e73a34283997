/*
 * Puts packets into the network namespace that it was started in and tells what comes out of it. TUN devices stand for
 * the links: a packet written to one comes in by it, and what the kernel sends by it can be read. Raw sockets send the
 * node's own packets and hear what is delivered to it. What the bytes mean is packet-lab.ts' business.
 *
 * Usage: injector DEVICE...      Both directions speak frames: u32 length of the rest, then for each packet u16 place,
 * u16 length, bytes from the IP header on; numbers in the machine's order. A place is the number of a device, or NODE.
 * Each frame on stdin is answered by one on stdout with all that was seen until the kernel had nothing more to do. The
 * first frame on stdout is empty: the devices are there.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_DEVICES = 16, MAX_PACKET = 65535, NODE = 0xffff, DRAIN_EVERY = 64, TAG = 4 };
/* "Local experimental": no nft hook of an IP family sees it. */
enum { MARKER_ETHERTYPE = 0x88b5 };
/* An answer to an answer on the loopback: so many times one packet may make another. */
enum { GENERATIONS = 4 };

static const int LISTENED[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6};
enum { LISTENERS = 2 * sizeof LISTENED / sizeof *LISTENED };

struct listener {
  int fd;
  int family;
  uint8_t protocol;
};

struct frame {
  uint8_t *bytes;
  size_t length;
  size_t capacity;
};

static int devices[MAX_DEVICES];
static unsigned device_count;
static struct listener listeners[LISTENERS];
static unsigned listener_count;
static int sender4, sender6, marker_fd;
static struct sockaddr_ll marker_address;
static struct frame seen;

static void die(const char *what) {
  fprintf(stderr, "injector: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int open_socket(int family, int type, int protocol) {
  int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) die("opening a socket");
  int size = 8 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) die("SO_RCVBUFFORCE");
  return fd;
}

static void open_device(const char *name) {
  if (device_count == MAX_DEVICES) {
    fprintf(stderr, "injector: more than %d devices\n", MAX_DEVICES);
    exit(2);
  }
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  if (strlen(name) >= sizeof request.ifr_name) {
    fprintf(stderr, "injector: the device name %s is too long\n", name);
    exit(2);
  }
  strcpy(request.ifr_name, name);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) die("/dev/net/tun");
  if (ioctl(fd, TUNSETIFF, &request) < 0) die(name);
  devices[device_count++] = fd;
}

static void open_listener(int family, int protocol) {
  struct listener *listener = &listeners[listener_count++];
  *listener = (struct listener){open_socket(family, SOCK_RAW, protocol), family, (uint8_t)protocol};
  int on = 1;
  if (family == AF_INET6 && setsockopt(listener->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) < 0)
    die("IPV6_RECVPKTINFO");
}

static void open_sockets(void) {
  for (size_t i = 0; i < sizeof LISTENED / sizeof *LISTENED; i++) {
    if (LISTENED[i] != IPPROTO_ICMPV6) open_listener(AF_INET, LISTENED[i]);
    if (LISTENED[i] != IPPROTO_ICMP) open_listener(AF_INET6, LISTENED[i]);
  }
  /* IPPROTO_RAW: packets come with their IP header. */
  sender4 = open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  sender6 = open_socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
  marker_fd = open_socket(AF_PACKET, SOCK_DGRAM, htons(MARKER_ETHERTYPE));
  marker_address = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                        .sll_protocol = htons(MARKER_ETHERTYPE),
                                        .sll_ifindex = (int)if_nametoindex("lo")};
  if (bind(marker_fd, (struct sockaddr *)&marker_address, sizeof marker_address) < 0) die("the marker socket");
}

/* Room for one more packet of at most this length; gives where its bytes go. */
static uint8_t *room(size_t length) {
  if (seen.length + TAG + length > seen.capacity) {
    seen.capacity = 2 * seen.capacity + TAG + length;
    seen.bytes = realloc(seen.bytes, seen.capacity);
    if (seen.bytes == NULL) die("memory");
  }
  return seen.bytes + seen.length + TAG;
}

static void keep(unsigned place, size_t length) {
  uint16_t tag[2] = {(uint16_t)place, (uint16_t)length};
  memcpy(seen.bytes + seen.length, tag, sizeof tag);
  seen.length += TAG + length;
}

static int nothing_left(ssize_t received, const char *what) {
  if (received >= 0) return 0;
  if (errno != EAGAIN) die(what);
  return 1;
}

static void drain_device(unsigned number) {
  for (;;) {
    ssize_t length = read(devices[number], room(MAX_PACKET), MAX_PACKET);
    if (nothing_left(length, "reading a device")) return;
    keep(number, (size_t)length);
  }
}

static void drain_listener4(const struct listener *listener) {
  for (;;) {
    ssize_t length = recv(listener->fd, room(MAX_PACKET), MAX_PACKET, 0);
    if (nothing_left(length, "hearing IPv4")) return;
    keep(NODE, (size_t)length);
  }
}

/* An IPv6 socket gives no header: it is made again of what the socket tells. */
static void drain_listener6(const struct listener *listener) {
  for (;;) {
    uint8_t *bytes = room(MAX_PACKET);
    struct sockaddr_in6 from;
    union {
      struct cmsghdr header;
      uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control;
    struct iovec payload = {bytes + sizeof(struct ip6_hdr), MAX_PACKET - sizeof(struct ip6_hdr)};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &payload,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t length = recvmsg(listener->fd, &message, 0);
    if (nothing_left(length, "hearing IPv6")) return;
    struct cmsghdr *found = CMSG_FIRSTHDR(&message);
    if (found == NULL || found->cmsg_type != IPV6_PKTINFO) die("IPV6_PKTINFO is missing");
    struct ip6_hdr header = {.ip6_flow = htonl(6u << 28),
                             .ip6_plen = htons((uint16_t)length),
                             .ip6_nxt = listener->protocol,
                             .ip6_src = from.sin6_addr};
    struct in6_pktinfo to;
    memcpy(&to, CMSG_DATA(found), sizeof to);
    header.ip6_dst = to.ipi6_addr;
    memcpy(bytes, &header, sizeof header);
    keep(NODE, sizeof header + (size_t)length);
  }
}

static void drain(void) {
  for (unsigned i = 0; i < device_count; i++) drain_device(i);
  for (unsigned i = 0; i < listener_count; i++) {
    if (listeners[i].family == AF_INET) drain_listener4(&listeners[i]);
    else drain_listener6(&listeners[i]);
  }
}

static void send_from_node(const uint8_t *packet, size_t length) {
  struct sockaddr_in to4 = {.sin_family = AF_INET};
  struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
  int is_v6 = packet[0] >> 4 == 6;
  if (length < (is_v6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr))) {
    fprintf(stderr, "injector: a packet of %zu bytes has no IP header\n", length);
    exit(2);
  }
  if (is_v6) memcpy(&to6.sin6_addr, packet + offsetof(struct ip6_hdr, ip6_dst), sizeof to6.sin6_addr);
  else memcpy(&to4.sin_addr, packet + offsetof(struct iphdr, daddr), sizeof to4.sin_addr);
  ssize_t sent = is_v6 ? sendto(sender6, packet, length, 0, (struct sockaddr *)&to6, sizeof to6)
                       : sendto(sender4, packet, length, 0, (struct sockaddr *)&to4, sizeof to4);
  /* EPERM is how an output hook's drop and reject look here. */
  if (sent < 0 && errno != EPERM) die("sending as the node");
}

static void inject(unsigned place, const uint8_t *packet, size_t length) {
  if (place == NODE) {
    send_from_node(packet, length);
  } else if (place >= device_count) {
    fprintf(stderr, "injector: there is no device %u\n", place);
    exit(2);
  } else if (write(devices[place], packet, length) < 0) {
    die("writing to a device");
  }
}

/*
 * Writing to a TUN device returns when the packet is through, but what goes by the loopback waits in this CPU's backlog.
 * That is a queue: a frame put behind it comes back when everything before it is done.
 */
static void settle(void) {
  for (int i = 0; i < GENERATIONS; i++) {
    if (sendto(marker_fd, "marker", 6, 0, (struct sockaddr *)&marker_address, sizeof marker_address) < 0)
      die("sending a marker by the loopback");
    struct pollfd wait = {.fd = marker_fd, .events = POLLIN};
    if (poll(&wait, 1, 10000) != 1) die("no marker came back by the loopback");
    char marker[16];
    if (recv(marker_fd, marker, sizeof marker, 0) < 0) die("reading a marker");
  }
}

static void read_fully(void *into, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t count = read(STDIN_FILENO, (uint8_t *)into + done, length - done);
    if (count < 0) die("reading stdin");
    if (count == 0) exit(0);
    done += (size_t)count;
  }
}

static void answer(void) {
  uint32_t length = (uint32_t)seen.length;
  if (fwrite(&length, sizeof length, 1, stdout) != 1 || fwrite(seen.bytes, 1, seen.length, stdout) != seen.length ||
      fflush(stdout) != 0)
    die("writing stdout");
  seen.length = 0;
}

static void run_frame(const uint8_t *bytes, size_t length) {
  size_t done = 0;
  for (unsigned count = 1; done < length; count++) {
    uint16_t tag[2];
    if (length - done < TAG || (memcpy(tag, bytes + done, sizeof tag), length - done - TAG < tag[1]) || tag[1] == 0) {
      fprintf(stderr, "injector: a frame ends inside a packet\n");
      exit(2);
    }
    inject(tag[0], bytes + done + TAG, tag[1]);
    done += TAG + tag[1];
    if (count % DRAIN_EVERY == 0) drain();
  }
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: injector DEVICE...\n");
    return 2;
  }
  for (int i = 1; i < argc; i++) open_device(argv[i]);
  open_sockets();
  room(MAX_PACKET);
  answer();
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) < 0) die("sched_getaffinity");
  for (;;) {
    uint32_t length;
    read_fully(&length, sizeof length);
    uint8_t *bytes = malloc(length + 1u);
    if (bytes == NULL) die("memory");
    read_fully(bytes, length);
    /* One CPU for the whole frame: the backlog is the CPU's. */
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((unsigned)sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof one, &one) < 0) die("sched_setaffinity");
    run_frame(bytes, length);
    settle();
    drain();
    if (sched_setaffinity(0, sizeof all, &all) < 0) die("sched_setaffinity");
    free(bytes);
    answer();
  }
}
