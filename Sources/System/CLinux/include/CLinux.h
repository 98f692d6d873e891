#pragma once
// The parts of Linux's socket interface that Swift's Glibc module does not show: they need
// _GNU_SOURCE, which that module was built without, or are macros.
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

// Same layout as struct mmsghdr, which hides behind _GNU_SOURCE.
struct martlet_mmsghdr {
    struct msghdr header;
    unsigned int length;
};

int martlet_sendmmsg(int fd, struct martlet_mmsghdr *messages, unsigned int count, int flags);
int martlet_recvmmsg(int fd, struct martlet_mmsghdr *messages, unsigned int count, int flags);

// Bytes that a control message with `size` bytes of data takes.
size_t martlet_cmsg_space(size_t size);
// Writes a control message asking the kernel to cut the datagram into segments of `size` (UDP_SEGMENT).
void martlet_cmsg_put_segment_size(void *buffer, uint16_t size);

// Asks the kernel to say to which of our addresses each datagram came.
int martlet_receive_destinations(int fd, int family);
// Copies the address that a received datagram came to, IPv4 mapped into IPv6; 0 when the kernel did not say.
int martlet_cmsg_destination(const struct msghdr *message, struct in6_addr *address);
// Writes a control message that has the datagram leave from `address`; returns the bytes it takes.
size_t martlet_cmsg_put_source(void *buffer, int family, const struct in6_addr *address);

int martlet_epoll_create(void);
// Watches `fd` for input, and for output too when `output` is not 0. `token` comes back from martlet_epoll_wait.
int martlet_epoll_add(int epoll, int fd, uint64_t token);
int martlet_epoll_modify(int epoll, int fd, uint64_t token, int output);
int martlet_epoll_remove(int epoll, int fd);

struct martlet_event {
    uint64_t token;
    uint8_t readable;
    uint8_t writable;
};
// Waits at most `timeout_ns` (negative: for ever); returns the number of events, 0 on time-out or a signal.
int martlet_epoll_wait(int epoll, struct martlet_event *events, int capacity, int64_t timeout_ns);

int martlet_eventfd(void);
void martlet_eventfd_signal(int fd);
void martlet_eventfd_clear(int fd);

// Nanoseconds of CLOCK_MONOTONIC and of CLOCK_REALTIME (since 1970).
int64_t martlet_monotonic_ns(void);
int64_t martlet_realtime_ns(void);

// Names the calling thread (15 characters at most) and sets its nice value; raising it is refused
// without privileges, which is ignored.
void martlet_name_thread(const char *name);
void martlet_renice_thread(int nice);
// The kernel's id of the calling thread.
int martlet_thread_id(void);
// CPU nanoseconds used by the calling thread.
int64_t martlet_thread_cpu_ns(void);

// A UDP or TCP socket bound to an address; -1 with errno set on failure. `dual_stack` lets an IPv6 wildcard take IPv4 too.
int martlet_bind(int type, const struct sockaddr *address, socklen_t length, int dual_stack, int reuse_port);

// Takes a connection from a listening TCP socket, nonblocking and closed on exec; -1 with errno set when there is none.
int martlet_accept(int fd, struct sockaddr_in6 *address);
// Has small writes leave at once, and the kernel take at most `unsent` bytes beyond what it may send now.
void martlet_tune_stream(int fd, int unsent);
