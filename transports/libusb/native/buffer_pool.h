#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "counters.h"

namespace rx_isoch {

class BufferPool;

// Memory for the packets of one transfer.
class Buffer {
 public:
  Buffer(uint8_t* bytes, size_t size, std::shared_ptr<BufferPool> home);
  ~Buffer();

  uint8_t* bytes() const { return bytes_; }
  size_t size() const { return size_; }

 private:
  friend class BufferPool;
  uint8_t* bytes_;
  const size_t size_;
  // Where the memory goes back to; none for a buffer of another size.
  std::shared_ptr<BufferPool> home_;
  Counted counted_{counters().buffers};
};

// Buffers of one size, used again while they are warm. For any thread.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  // At most `spare` unused ones are kept, until it is closed.
  BufferPool(size_t size, size_t spare) : size_(size), spare_(spare) {}
  ~BufferPool();

  // Null if there is no memory.
  std::unique_ptr<Buffer> Take();
  // A buffer of a size of its own, null if there is no memory.
  static std::unique_ptr<Buffer> Allocate(size_t size);
  // Nobody will take another one: what is unused is freed, and so is what comes back.
  void Close();

 private:
  friend class Buffer;
  void Give(uint8_t* bytes);

  const size_t size_;
  size_t spare_;
  std::mutex mutex_;
  std::vector<uint8_t*> unused_;
};

}  // namespace rx_isoch
