#include "test/support/weir_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "test/support/until.h"

namespace weir::test {
namespace {

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

std::string make_folder() {
  const char* base = std::getenv("TMPDIR");
  std::string name = std::string(base != nullptr ? base : "/tmp") + "/weir-it.XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  return name;
}

std::string binary() {
  const char* path = std::getenv("WEIR_BINARY");
  if (path == nullptr) throw std::runtime_error("WEIR_BINARY does not name the program to test");
  return path;
}

}  // namespace

Weir::Weir(const Cluster& cluster, WeirOptions options)
    : cluster_(cluster), options_(std::move(options)), folder_(make_folder()), port_(free_port()) {
  const std::string path = folder_ + "/weir.toml";
  std::ofstream(path) << configuration();
  ::chmod(path.c_str(), 0600);
  start();
  try {
    if (options_.wait) wait_until_serving();
  } catch (...) {
    ::kill(pid_, SIGKILL);
    wait_for_end();
    throw;
  }
}

Weir::~Weir() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Weir::configuration() const {
  std::ostringstream text;
  auto sections = options_.sections;
  text << "[listen]\nmysql = [\"127.0.0.1:" << port_ << "\"";
  if (options_.unix_socket) text << ", \"unix:" << socket() << "\"";
  text << "]\nhttp = \"" << options_.http << "\"\n"
       << (sections["listen"].empty() ? "workers = 2\n" : sections["listen"]);
  // Several of them run at a time, and there is one default port.
  if (sections["listen"].find("admin = ") == std::string::npos) text << "admin = \"\"\n";
  sections.erase("listen");
  for (const int n : options_.servers) {
    text << "[[server]]\nname = \"db" << n << "\"\naddress = \"" << options_.host << ":"
         << (options_.ports.count(n) > 0 ? options_.ports.at(n) : cluster_.port(n)) << "\"\n"
         << options_.server_lines
         << (options_.lines_of.count(n) > 0 ? options_.lines_of.at(n) : "");
  }
  text << "[monitor]\nuser = \"" << cluster_.value("MONITOR_USER") << "\"\npassword = \""
       << cluster_.value("MONITOR_PASSWORD") << "\"\n"
       << sections["monitor"];
  sections.erase("monitor");
  for (const std::string& account : options_.users) {
    text << "[[user]]\nname = \"" << cluster_.value(account + "_USER") << "\"\npassword = \""
         << cluster_.value(account + "_PASSWORD") << "\"\n"
         << options_.user_lines;
  }
  for (const auto& [name, lines] : sections) text << "[" << name << "]\n" << lines;
  return text.str();
}

void Weir::start() {
  const std::string program = binary();
  const std::string config = folder_ + "/weir.toml";
  const std::string log = folder_ + "/weir.log";
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing behind
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(output, 1);
  ::dup2(output, 2);
  ::close_range(3, ~0u, 0);  // the test's own connections are none of its business
  ::execl(program.c_str(), program.c_str(), "--config", config.c_str(), nullptr);
  ::_exit(127);
}

std::uint16_t Weir::http_port() const {
  const std::string mark = "HTTP on 127.0.0.1:";
  std::size_t at = std::string::npos;
  until([&] { return (at = log().find(mark)) != std::string::npos; });
  if (at == std::string::npos) throw std::runtime_error("weir tells no HTTP port:\n" + log());
  return static_cast<std::uint16_t>(std::stoi(log().substr(at + mark.size())));
}

Login Weir::login(const std::string& account, const std::string& schema) const {
  Login login = cluster_.login(account, port_);
  login.schema = schema;
  return login;
}

std::vector<int> Weir::readers(int sessions) const {
  std::set<int> seen;
  for (int i = 0; i < sessions; ++i)
    seen.insert(std::stoi(connect("APP", "").value("SELECT @@server_id")));
  return {seen.begin(), seen.end()};
}

void Weir::wait_until_serving() const {
  std::string last = "nothing tried yet";
  const bool serves = until([&] {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0)
      throw std::runtime_error("weir ended at start:\n" + log());
    try {
      const std::string primary =
          connect("APP", "").value("/* weir: primary */ SELECT @@server_id");
      const std::vector<int> seen = readers();
      last = "the primary is " + primary + ", reads are answered by";
      for (const int id : seen) last += " " + std::to_string(id);
      return primary == "1" && seen == std::vector<int>{2, 3};
    } catch (const ServerError& error) {
      last = error.what();
      return false;
    }
  });
  if (!serves) throw std::runtime_error("weir does not serve: " + last + "\n" + log());
}

bool Weir::running() {
  if (pid_ <= 0) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
  pid_ = -1;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return false;
}

void Weir::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int Weir::wait_for_end() {
  until([&] { return !running(); });
  return running() ? kStillRunning : exit_code_;
}

int Weir::stop() {
  signal(SIGTERM);
  return wait_for_end();
}

std::string Weir::log() const {
  std::ostringstream text;
  text << std::ifstream(folder_ + "/weir.log").rdbuf();
  return text.str();
}

std::string Weir::sanitizer_report() const {
  const std::string text = log();
  for (const char* mark : {"Sanitizer", "runtime error:", "terminate called"}) {
    if (text.find(mark) != std::string::npos) return text;
  }
  return {};
}

}  // namespace weir::test
