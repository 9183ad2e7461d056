#include "test/support/metrics_text.h"

#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

namespace weir::test {
namespace {

const std::regex kHelp("# HELP ([a-z_][a-z0-9_]*) (\\S.*)");
const std::regex kType("# TYPE ([a-z_][a-z0-9_]*) (counter|gauge)");
const std::regex kSample(
    "([a-z_][a-z0-9_]*)"
    "(\\{[a-z_]+=\"(?:[^\"\\\\\\n]|\\\\[\\\\\"n])*\"(?:,[a-z_]+=\"(?:[^\"\\\\\\n]|\\\\[\\\\\"n])*"
    "\")*\\})?"
    " (-?[0-9]+(?:\\.[0-9]+)?(?:e[+-]?[0-9]+)?)");

class Reader {
 public:
  void line(const std::string& text) {
    std::smatch match;
    if (std::regex_match(text, match, kHelp)) return help(match[1]);
    if (std::regex_match(text, match, kType)) return type(match[1], match[2]);
    if (!std::regex_match(text, match, kSample)) fail("no HELP, no TYPE and no sample");
    if (match[1] != name_ || !typed_) fail("a sample outside its metric");
    if (!samples.emplace(match[1].str() + match[2].str(), std::stod(match[3])).second) {
      fail("a sample twice");
    }
  }
  [[noreturn]] void fail(const std::string& what) const { throw std::runtime_error(what); }

  Samples samples;

 private:
  void help(const std::string& name) {
    if (!seen_.insert(name).second) fail("a metric twice");
    name_ = name;
    typed_ = false;
  }
  void type(const std::string& name, const std::string& type) {
    if (name != name_ || typed_) fail("a TYPE that is not behind its HELP");
    const bool total = name.size() > 6 && name.substr(name.size() - 6) == "_total";
    if (total != (type == "counter")) fail("counters end with _total, and nothing else does");
    typed_ = true;
  }

  std::set<std::string> seen_;
  std::string name_;
  bool typed_ = false;
};

}  // namespace

Samples parse_metrics(std::string_view text) {
  if (text.empty() || text.back() != '\n') throw std::runtime_error("no line end at the end");
  Reader reader;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    try {
      reader.line(line);
    } catch (const std::exception& error) {
      throw std::runtime_error(std::string(error.what()) + ": " + line);
    }
  }
  return reader.samples;
}

}  // namespace weir::test
