// Runnable is a part of a process that runs until it is told to stop: an informer, a controller, a server.
//
// Manager owns the order: run() is started as a task; stop() asks it to come to an end in its own time;
// abort() says that the time is over (or leadership lost) and work in flight is to be cancelled now. run()
// returning an Error before stop() ends the whole process: a part that can go on by itself must.
// Thread: the loop's only.
#pragma once

#include <string>

#include "kube/async/task.h"
#include "kube/async/task_group.h"

namespace kube {

class Runnable {
 public:
  virtual ~Runnable() = default;
  virtual const std::string& name() const = 0;
  virtual Task<Result<>> run() = 0;
  virtual void stop() = 0;
  virtual void abort() { stop(); }
  // True: started only once the lease is held.
  virtual bool needs_leadership() const { return false; }
  // The process is ready (and parts that need leadership start) only once this holds for all.
  virtual bool is_ready() const { return true; }
};

}  // namespace kube
