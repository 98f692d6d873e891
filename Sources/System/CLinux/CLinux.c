#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct martlet_mmsghdr) == sizeof(struct mmsghdr), "layouts must match");
_Static_assert(offsetof(struct martlet_mmsghdr, length) == offsetof(struct mmsghdr, msg_len), "layouts must match");

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

int martlet_sendmmsg(int fd, struct martlet_mmsghdr *messages, unsigned int count, int flags) {
    return sendmmsg(fd, (struct mmsghdr *)messages, count, flags);
}

int martlet_recvmmsg(int fd, struct martlet_mmsghdr *messages, unsigned int count, int flags) {
    return recvmmsg(fd, (struct mmsghdr *)messages, count, flags, NULL);
}

size_t martlet_cmsg_space(size_t size) { return CMSG_SPACE(size); }

void martlet_cmsg_put_segment_size(void *buffer, uint16_t size) {
    struct cmsghdr *header = buffer;
    header->cmsg_level = SOL_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(header), &size, sizeof size);
}

int martlet_receive_destinations(int fd, int family) {
    int on = 1;
    return family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
                              : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
}

int martlet_cmsg_destination(const struct msghdr *message, struct in6_addr *address) {
    struct msghdr *walked = (struct msghdr *)message;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(walked); header; header = CMSG_NXTHDR(walked, header)) {
        if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof info);
            *address = info.ipi6_addr;
            return 1;
        }
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof info);
            memset(address, 0, sizeof *address);
            address->s6_addr[10] = address->s6_addr[11] = 0xff;
            memcpy(&address->s6_addr[12], &info.ipi_addr, 4);
            return 1;
        }
    }
    return 0;
}

size_t martlet_cmsg_put_source(void *buffer, int family, const struct in6_addr *address) {
    struct cmsghdr *header = buffer;
    if (family == AF_INET6) {
        struct in6_pktinfo info = {.ipi6_addr = *address};
        header->cmsg_level = IPPROTO_IPV6;
        header->cmsg_type = IPV6_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(header), &info, sizeof info);
        return CMSG_SPACE(sizeof info);
    }
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, &address->s6_addr[12], 4);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(header), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
}

int martlet_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int martlet_epoll_add(int epoll, int fd, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int martlet_epoll_modify(int epoll, int fd, uint64_t token, int output) {
    struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0u), .data.u64 = token};
    return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

int martlet_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }

int martlet_epoll_wait(int epoll, struct martlet_event *events, int capacity, int64_t timeout_ns) {
    struct epoll_event raw[16];
    if (capacity > 16) capacity = 16;
    struct timespec wait = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int count = epoll_pwait2(epoll, raw, capacity, timeout_ns < 0 ? NULL : &wait, NULL);
    if (count < 0 && errno == ENOSYS) {
        // Kernels before 5.11: milliseconds, rounded up so as not to spin.
        count = epoll_wait(epoll, raw, capacity, timeout_ns < 0 ? -1 : (int)((timeout_ns + 999999) / 1000000));
    }
    for (int i = 0; i < count; i++) {
        events[i].token = raw[i].data.u64;
        events[i].readable = (raw[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
        events[i].writable = (raw[i].events & EPOLLOUT) != 0;
    }
    return count < 0 ? 0 : count;
}

int martlet_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void martlet_eventfd_signal(int fd) {
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof one);
    (void)ignored;
}

void martlet_eventfd_clear(int fd) {
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
}

static int64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t martlet_monotonic_ns(void) { return nanoseconds(CLOCK_MONOTONIC); }
int64_t martlet_realtime_ns(void) { return nanoseconds(CLOCK_REALTIME); }
int64_t martlet_thread_cpu_ns(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }

void martlet_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
int martlet_thread_id(void) { return (int)syscall(SYS_gettid); }
void martlet_renice_thread(int nice) { setpriority(PRIO_PROCESS, (id_t)martlet_thread_id(), nice); }

int martlet_bind(int type, const struct sockaddr *address, socklen_t length, int dual_stack, int reuse_port) {
    int fd = socket(address->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int on = 1;
    int off = 0;
    if (address->sa_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? &off : &on, sizeof on);
    }
    if (type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) goto failed;
    if (bind(fd, address, length) != 0) goto failed;
    return fd;
failed:;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int martlet_accept(int fd, struct sockaddr_in6 *address) {
    socklen_t length = sizeof *address;
    return accept4(fd, (struct sockaddr *)address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void martlet_tune_stream(int fd, int unsent) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}
