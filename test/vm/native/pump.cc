// The pump without JavaScript, for ThreadSanitizer: streams from a device, and starts, stops, cancels,
// overflows and closes in any order, on threads of its own. pump <bus> <address> <rounds>; the device may
// go meanwhile.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>

#include "clock.h"
#include "context.h"
#include "counters.h"
#include "handle.h"
#include "isoch_stream.h"
#include "request_queue.h"

using namespace rx_isoch;

namespace {

// Each thread has its own, or this would be the race that is found.
thread_local std::mt19937 random_source(1);

int Between(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_source); }

void Sleep(int most) { std::this_thread::sleep_for(std::chrono::milliseconds(Between(0, most))); }

// Results whose `first_frame - lost` is not where the one before ended.
int misplaced = 0;

void Stream(const std::shared_ptr<Handle>& handle, std::atomic<int>& rings) {
  StreamPlan plan{};
  plan.endpoint = 0x81;
  plan.frame_length = 64;
  plan.frames = static_cast<uint32_t>(Between(1, 16));
  plan.queue = static_cast<uint32_t>(Between(1, 6));
  plan.ring = static_cast<uint32_t>(Between(1, 4));
  plan.batch = static_cast<uint32_t>(Between(1, static_cast<int>(plan.ring)));
  plan.overflow = static_cast<Overflow>(Between(0, 2));
  plan.frame_duration = 1000;
  auto stream = std::make_shared<IsochStream>(handle, plan, [&rings] { rings++; });
  if (handle->Register(stream) || stream->Start()) return;
  std::thread stopper([stream, after = Between(0, 60)] {
    std::this_thread::sleep_for(std::chrono::milliseconds(after));
    stream->Stop();
  });
  double next = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(Between(0, 80));
  while (std::chrono::steady_clock::now() < end) {
    while (const auto result = stream->Take()) {
      if (result->first_frame - result->lost != next) misplaced++;
      next = result->first_frame + result->served;
    }
    UsbError error;
    bool has_overflown = false;
    if (stream->HasEnded(error, has_overflown)) break;
    Sleep(10);
  }
  if (Between(0, 3) == 0) stream->Shut();
  stopper.join();
  if (Between(0, 1) == 0) stream->WaitUntilIdle(std::chrono::milliseconds(5000));
}

void Requests(const std::shared_ptr<Handle>& handle, std::atomic<int>& rings) {
  static uint8_t bytes[16][64 * 40];
  auto queue = std::make_shared<RequestQueue>(handle, 0x81, Window{4096, 60}, [&rings] { rings++; });
  if (handle->Register(queue)) return;
  const int count = Between(1, 16);
  for (int i = 0; i < count; i++) {
    auto request = std::make_unique<Request>();
    request->id = static_cast<uint32_t>(i);
    request->buffer = bytes[i];
    request->lengths.assign(static_cast<size_t>(Between(1, 40)), 64);
    queue->Submit(std::move(request));
    if (Between(0, 3) == 0) queue->Cancel(static_cast<uint32_t>(Between(0, i)));
  }
  if (Between(0, 1) == 0) {
    queue->Wait(std::chrono::milliseconds(5000));
    queue->Reap();
  }
  if (Between(0, 1) == 0) queue->Shut();
  if (Between(0, 1) == 0) queue->WaitUntilIdle(std::chrono::milliseconds(5000));
  // What is left belongs to the next round's buffers, too.
  queue->Shut();
  queue->WaitUntilIdle(std::chrono::milliseconds(5000));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const auto bus = static_cast<uint8_t>(std::atoi(arguments[1]));
  const auto address = static_cast<uint8_t>(std::atoi(arguments[2]));
  int used = 0;
  std::atomic<int> rings{0};
  for (int round = std::atoi(arguments[3]); round > 0; round--) {
    UsbError error;
    const auto context = Context::Create(error);
    if (context == nullptr) return 3;
    std::shared_ptr<Handle> handle;
    context->Use([&] {
      handle = Handle::Open(context, bus, address, [&rings] { rings++; }, error);
      return error;
    });
    if (handle != nullptr && !handle->Claim(0, false) && !handle->SelectAlternate(0, 2)) {
      used++;
      for (int i = Between(1, 4); i > 0; i--) {
        if (Between(0, 2) > 0) {
          Stream(handle, rings);
        } else {
          Requests(handle, rings);
        }
      }
      // The context may be closed in the middle of a stream.
      if (Between(0, 1) == 0) {
        std::thread streaming([handle, &rings] {
          StreamPlan plan{0x81, 64, 8, 4, 2, 1, Overflow::kDropOldest, 1000};
          auto stream = std::make_shared<IsochStream>(handle, plan, [&rings] { rings++; });
          if (!handle->Register(stream)) stream->Start();
          Sleep(0);
          stream->Take();
        });
        Sleep(5);
        if (Between(0, 1) == 0) handle->Close();
        context->Close();
        streaming.join();
      }
    }
    handle.reset();
    context->Close();
  }
  const Counters& all = counters();
  std::printf("pump: %d rounds, %d rings, %d misplaced\n", used, rings.load(), misplaced);
  if (misplaced > 0) return 6;
  // A program that never got at the device has shown nothing.
  if (used == 0) return 5;
  const bool is_clean = all.contexts == 0 && all.threads == 0 && all.handles == 0 && all.transfers == 0 &&
                        all.in_flight == 0 && all.buffers == 0;
  return is_clean ? 0 : 4;
}
