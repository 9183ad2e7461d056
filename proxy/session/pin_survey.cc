#include "proxy/session/pin_survey.h"

#include <utility>
#include <vector>

#include "proxy/session/client_session.h"

namespace weir {
namespace {

// Sessions are counted when somebody asks, so that statements need not.
PinReport pins_of(SessionHost& worker) {
  PinReport report;
  report.counts = worker.pin_counts();
  worker.for_each_session([&](ClientSession& session) { report.add_session(session.pins()); });
  return report;
}

}  // namespace

void survey_pins(const SessionDirectory& directory, std::function<void(PinReport)> done) {
  ask_workers<PinReport>(directory, pins_of,
                         [done = std::move(done)](const std::vector<PinReport>& reports) {
                           PinReport all;
                           for (const PinReport& report : reports) all.merge(report);
                           done(std::move(all));
                         });
}

}  // namespace weir
