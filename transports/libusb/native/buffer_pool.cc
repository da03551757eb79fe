#include "buffer_pool.h"

#include <algorithm>
#include <cstdlib>

namespace rx_isoch {

namespace {

uint8_t* AllocateBytes(size_t size) { return static_cast<uint8_t*>(std::malloc(std::max<size_t>(size, 1))); }

}  // namespace

Buffer::Buffer(uint8_t* bytes, size_t size, std::shared_ptr<BufferPool> home)
    : bytes_(bytes), size_(size), home_(std::move(home)) {}

Buffer::~Buffer() {
  if (home_ == nullptr) {
    std::free(bytes_);
  } else {
    home_->Give(bytes_);
  }
}

BufferPool::~BufferPool() { Close(); }

void BufferPool::Close() {
  std::lock_guard<std::mutex> lock(mutex_);
  spare_ = 0;
  for (uint8_t* bytes : unused_) std::free(bytes);
  unused_.clear();
}

std::unique_ptr<Buffer> BufferPool::Take() {
  uint8_t* bytes = nullptr;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!unused_.empty()) {
      bytes = unused_.back();
      unused_.pop_back();
    }
  }
  if (bytes == nullptr) bytes = AllocateBytes(size_);
  if (bytes == nullptr) return nullptr;
  return std::make_unique<Buffer>(bytes, size_, shared_from_this());
}

std::unique_ptr<Buffer> BufferPool::Allocate(size_t size) {
  uint8_t* bytes = AllocateBytes(size);
  if (bytes == nullptr) return nullptr;
  return std::make_unique<Buffer>(bytes, size, nullptr);
}

void BufferPool::Give(uint8_t* bytes) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (unused_.size() < spare_) {
      unused_.push_back(bytes);
      return;
    }
  }
  std::free(bytes);
}

}  // namespace rx_isoch
