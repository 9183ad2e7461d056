#include "proxy/core/parameter_types.h"

#include <utility>

#include "protocol/query_attributes.h"

namespace weir {
namespace {

constexpr std::size_t kTypeSize = 2;
constexpr std::string_view kNull("\6\0", kTypeSize);

std::string_view type_at(std::string_view types, std::size_t index) {
  return types.substr(index * kTypeSize, kTypeSize);
}

// VARCHAR, BIT, JSON, and from ENUM over the BLOBs to GEOMETRY. Protocol documentation: "Column
// Types".
bool is_text(std::string_view type) {
  const auto code = static_cast<std::uint8_t>(type[0]);
  return code == 15 || code == 16 || code == 245 || code >= 247;
}

// Taken for a text, or for nothing yet.
bool is_open(std::string_view type) {
  return type == kNull || is_text(type);
}

}  // namespace

std::string bare_types(std::string_view types, std::uint16_t parameters,
                       protocol::Capabilities capabilities) {
  std::string bare;
  bare.reserve(parameters * kTypeSize);
  protocol::ByteReader in(protocol::as_bytes(types));
  for (unsigned i = 0; i < parameters && in.ok(); ++i) {
    bare.append(in.text(kTypeSize));
    if ((capabilities & protocol::kQueryAttributes) != 0) in.lenenc_bytes();
  }
  return bare;
}

void fill_execute_types(std::string& out, std::string_view types, protocol::Bytes nulls) {
  out.assign(types);
  for (std::size_t i = 0; i < types.size() / kTypeSize && i / 8 < nulls.size(); ++i) {
    const bool null = (nulls[i / 8] & (1u << (i % 8))) != 0;
    if (null) out.replace(i * kTypeSize, kTypeSize, kNull);
  }
}

void take_types(std::string& taken_for, std::string_view types) {
  if (taken_for == types || types.empty()) return;
  if (taken_for.size() != types.size()) {
    taken_for = types;
    return;
  }
  std::string next = taken_for;
  for (std::size_t i = 0; i < types.size() / kTypeSize; ++i) {
    const std::string_view type = type_at(types, i);
    const std::string_view before = type_at(taken_for, i);
    if (type == kNull || type == before) continue;
    if (!is_text(type)) {
      taken_for = types;
      return;
    }
    if (before == kNull) next.replace(i * kTypeSize, kTypeSize, type);
  }
  taken_for = std::move(next);
}

bool same_for_types(std::string_view server, std::string_view client, std::string_view types,
                    bool has_rows) {
  if (server == client || server.size() != types.size() || client.size() != types.size()) {
    return server == client || server.empty();
  }
  bool are_texts = true;      // texts are for the client what they are
  bool fit_there = true;      // and on the server what they are for the client
  bool settles_anew = false;  // on the server, to what the types are
  for (std::size_t i = 0; i < types.size() / kTypeSize; ++i) {
    const std::string_view type = type_at(types, i);
    const std::string_view here = type_at(client, i);
    const std::string_view there = type_at(server, i);
    if (type == kNull && !has_rows) continue;
    if (type != kNull && !is_text(type)) {
      settles_anew = settles_anew || there != type;
      continue;
    }
    are_texts = are_texts && is_open(here);
    fit_there = fit_there && (there == here || (there == kNull && is_open(here)) ||
                              (here == kNull && is_open(there)));
  }
  return settles_anew ? are_texts : fit_there;
}

}  // namespace weir
