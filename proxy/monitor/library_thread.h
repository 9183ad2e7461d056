// What the client library keeps per thread.

#pragma once

#include <mysql.h>

namespace weir {

struct LibraryThread {
  LibraryThread() { mysql_thread_init(); }
  ~LibraryThread() { mysql_thread_end(); }
  LibraryThread(const LibraryThread&) = delete;
  LibraryThread& operator=(const LibraryThread&) = delete;
};

}  // namespace weir
