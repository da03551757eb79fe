#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>

namespace rx_isoch {

// Where on the bus each transfer stood: `QueueEstimate` of src/timeline.ts, which explains it, for a
// stream that JavaScript does not see the submissions of.
class EstimatedTimeline {
 public:
  struct Placement {
    double first_frame;
    double lost;
  };

  explicit EstimatedTimeline(double frame_duration) : frame_duration_(frame_duration) {}

  // `frames` frames were submitted. `at` was read before that.
  void Submitted(double at, uint32_t frames) {
    const double queue_end = has_queue_end_ ? queue_end_ : at;
    const double lost = std::max(0.0, std::floor((at - queue_end) / frame_duration_));
    const bool is_first = queued_.empty() || lost > 0;
    // A fraction of a frame is not given up: it counts with the next loss.
    queue_end_ = queue_end + (lost + frames) * frame_duration_;
    has_queue_end_ = true;
    queued_.push_back({lost, queue_end_, is_first});
  }

  // The oldest submission has completed. The first `served` of its `frames` had their turn on the bus.
  Placement Completed(double at, uint32_t frames, uint32_t served, bool was_cut_short) {
    Queued oldest{0, at, true};
    if (!queued_.empty()) {
      oldest = queued_.front();
      queued_.pop_front();
    }
    if (was_cut_short) {
      Shift((static_cast<double>(served) - frames) * frame_duration_);
    } else if (!oldest.is_first || at < oldest.end) {
      Judge(at - oldest.end);
    }
    missed_ += oldest.lost;
    if (served == 0) return {next_ + missed_, 0};
    const Placement placement{next_ + missed_, missed_};
    missed_ = 0;
    next_ = placement.first_frame + served;
    return placement;
  }

 private:
  struct Queued {
    double lost;
    double end;
    bool is_first;
  };

  // Completions over which the lateness of the estimated bus clock is judged.
  static constexpr int kLatenessWindow = 32;

  void Judge(double lateness) {
    least_lateness_ = std::min(least_lateness_, lateness);
    judged_++;
    if (least_lateness_ >= 0 && judged_ < kLatenessWindow) return;
    Shift(least_lateness_);
    least_lateness_ = std::numeric_limits<double>::infinity();
    judged_ = 0;
  }

  void Shift(double by) {
    queue_end_ += by;
    for (auto& each : queued_) each.end += by;
  }

  const double frame_duration_;
  std::deque<Queued> queued_;
  bool has_queue_end_ = false;
  double queue_end_ = 0;
  double next_ = 0;
  double missed_ = 0;
  double least_lateness_ = std::numeric_limits<double>::infinity();
  int judged_ = 0;
};

}  // namespace rx_isoch
