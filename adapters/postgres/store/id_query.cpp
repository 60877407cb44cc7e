#include "strata/adapters/postgres/id_query.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "adapters/postgres/client/pool.h"
#include "adapters/postgres/client/statement.h"

namespace strata {
namespace {

constexpr std::size_t kMostPerPage = 100'000;

// Without what ends a statement.
std::string_view inner(std::string_view select) {
  const std::size_t last = select.find_last_not_of(" \t\r\n;");
  return select.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

postgres::Statement pageStatement(std::string_view select, std::size_t page_size) {
  return {fmt::format("SELECT DISTINCT key FROM (SELECT ids.id::text COLLATE "
                      "\"C\" AS key FROM ({}\n) AS "
                      "ids(id)) AS keys WHERE key > $1 ORDER BY key LIMIT {}",
                      inner(select), page_size),
          "ids to warm", postgres::Effect::kReads};
}

class IdQuery {
 public:
  IdQuery(std::shared_ptr<PostgresPool> pool, std::string_view select,
          const IdQueryOptions& options)
      : pool_(std::move(pool)),
        statement_(pageStatement(select, options.page_size)),
        options_(options) {}

  absl::StatusOr<std::vector<Id>> next() {
    if (options_.page_size < 1 || options_.page_size > kMostPerPage) {
      return absl::InvalidArgumentError("idsFromQuery: page_size must be between 1 and 100 000");
    }
    if (is_done_) return std::vector<Id>();
    const std::array<postgres::Bind, 1> binds{postgres::bind(last_)};
    auto answer = pool_->internals().run(statement_, binds, options_.deadline);
    if (!answer.ok()) return answer.status();
    std::vector<Id> ids;
    for (int row = 0; row < answer->rows.size(); ++row) {
      const std::string_view text = answer->rows.at(row, 0).value_or(std::string_view());
      ids.push_back(Id::fromCanonical(text));
      if (absl::Status valid = ids.back().check(); !valid.ok()) return valid;
      last_ = text;
    }
    is_done_ = ids.size() < options_.page_size;
    return ids;
  }

 private:
  const std::shared_ptr<PostgresPool> pool_;
  const postgres::Statement statement_;
  const IdQueryOptions options_;
  std::string last_;
  bool is_done_ = false;
};

}  // namespace

IdSource idsFromQuery(std::shared_ptr<PostgresPool> pool, std::string_view select,
                      const IdQueryOptions& options) {
  return [query = std::make_shared<IdQuery>(std::move(pool), select, options)] {
    return query->next();
  };
}

}  // namespace strata
