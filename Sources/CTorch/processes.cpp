#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

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

}  // namespace

CTStore ct_store_new(
    const char *host, uint16_t port, bool isServer, double timeout, char **error) {
    return guarded<CTStore>(error, nullptr, [&] {
        c10d::TCPStoreOptions options;
        options.port = port;
        options.isServer = isServer;
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
