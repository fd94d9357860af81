#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support.h"

using namespace ctorch;

namespace {

c10d::TCPStore &store(CTStore handle) { return *reinterpret_cast<c10d::TCPStore *>(handle); }

c10d::ProcessGroupGloo &group(CTProcessGroup handle) {
    return *reinterpret_cast<c10d::ProcessGroupGloo *>(handle);
}

std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

// A socket that listens on the addresses of one host alone: the store asks nobody who they are, so it must
// not be reached from other networks, as it is when libtorch chooses the address.
int listening(const char *host, uint16_t port) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    const int failure = getaddrinfo(host, std::to_string(port).c_str(), &hints, &found);
    TORCH_CHECK(failure == 0, "cannot find the host '", host, "': ", gai_strerror(failure));
    int reason = EADDRNOTAVAIL;
    for (const addrinfo *place = found; place; place = place->ai_next) {
        const int file = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int yes = 1;
        if (file >= 0 && setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
            bind(file, place->ai_addr, place->ai_addrlen) == 0 && listen(file, SOMAXCONN) == 0) {
            freeaddrinfo(found);
            return file;
        }
        reason = errno;
        if (file >= 0) close(file);
    }
    freeaddrinfo(found);
    TORCH_CHECK(false, "cannot listen on ", host, ":", port, ": ", std::strerror(reason));
}

uint16_t portOf(int file) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    TORCH_CHECK(getsockname(file, reinterpret_cast<sockaddr *>(&address), &size) == 0, "no port");
    return ntohs(
        address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6 &>(address).sin6_port
                                      : reinterpret_cast<sockaddr_in &>(address).sin_port);
}

}  // namespace

CTStore ct_store_new(
    const char *host, uint16_t port, bool isServer, double timeout, char **error) {
    return guarded<CTStore>(error, nullptr, [&] {
        c10d::TCPStoreOptions options;
        options.port = port;
        options.isServer = isServer;
        if (isServer) {
            options.masterListenFd = listening(host, port);
            options.port = portOf(*options.masterListenFd);
        }
        options.waitWorkers = false;
        options.timeout = milliseconds(timeout);
        return reinterpret_cast<CTStore>(
            c10::make_intrusive<c10d::TCPStore>(host, options).release());
    });
}

uint16_t ct_store_port(CTStore handle) { return store(handle).getPort(); }

void ct_store_free(CTStore handle) {
    c10::intrusive_ptr<c10d::TCPStore>::reclaim(&store(handle));
}

CTProcessGroup ct_process_group_new(
    CTStore handle, const char *interface, int rank, int size, double timeout, char **error) {
    return guarded<CTProcessGroup>(error, nullptr, [&] {
        auto shared = c10::intrusive_ptr<c10d::Store>::unsafe_reclaim_from_nonowning(&store(handle));
        auto options = c10d::ProcessGroupGloo::Options::create(milliseconds(timeout));
        options->devices.push_back(
            interface ? c10d::ProcessGroupGloo::createDeviceForHostname(interface)
                      : c10d::ProcessGroupGloo::createDefaultDevice());
        return reinterpret_cast<CTProcessGroup>(
            c10::make_intrusive<c10d::ProcessGroupGloo>(shared, rank, size, options).release());
    });
}

int ct_process_group_sum(CTProcessGroup handle, CTTensor values, char **error) {
    return guarded<int>(error, -1, [&] {
        std::vector<at::Tensor> list{tensor(values)};
        group(handle).allreduce(list)->wait();
        return 0;
    });
}

void ct_process_group_free(CTProcessGroup handle) {
    c10::intrusive_ptr<c10d::ProcessGroupGloo>::reclaim(&group(handle));
}
