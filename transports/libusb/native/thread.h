#pragma once

#include <thread>
#include <utility>

#ifndef _WIN32
#include <pthread.h>
#include <signal.h>
#endif

#include "counters.h"

namespace rx_isoch {

// Starts a thread that is counted, and takes none of the signals that are meant for the program.
template <class Body>
std::thread StartThread([[maybe_unused]] const char* name, Body body) {
#ifndef _WIN32
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
  std::thread thread([name, body = std::move(body)] {
    const Counted counted(counters().threads);
#ifdef __linux__
    pthread_setname_np(pthread_self(), name);
#endif
    body();
  });
#ifndef _WIN32
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
#endif
  return thread;
}

}  // namespace rx_isoch
