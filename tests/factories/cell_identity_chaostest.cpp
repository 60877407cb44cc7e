// Whose cached copies are whose, on real servers: one Redis, and databases, roles and binaries that
// share it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/postgres/migrations.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::IsOk;
using testing::LocalPostgres;
using testing::sharedServers;

struct Invoice {
  std::string id;
  std::int64_t amount = 0;
};
BOOST_DESCRIBE_STRUCT(Invoice, (), (id, amount))
// A release adds a member, one of a part of the record too.
struct Address {
  std::string city;
};
BOOST_DESCRIBE_STRUCT(Address, (), (city))
struct Customer {
  std::string id;
  std::optional<std::string> phone;
  std::vector<Address> addresses;
};
BOOST_DESCRIBE_STRUCT(Customer, (), (id, phone, addresses))
struct NewerAddress {
  std::string city;
  std::string country = "NL";
};
BOOST_DESCRIBE_STRUCT(NewerAddress, (), (city, country))
struct NewerCustomer {
  std::string id;
  std::optional<std::string> phone;
  std::vector<NewerAddress> addresses;
  std::int64_t points = 0;
};
BOOST_DESCRIBE_STRUCT(NewerCustomer, (), (id, phone, addresses, points))

}  // namespace

template <>
struct Entity<Invoice> {
  static constexpr auto table = "identity_invoices";
  static constexpr KeySpace keys{"billing", "invoice"};
  static std::string id(const Invoice& invoice) { return invoice.id; }
};
template <>
struct Entity<Customer> {
  static constexpr auto table = "identity_customers";
  static constexpr KeySpace keys{"billing", "customer"};
  static std::string id(const Customer& customer) { return customer.id; }
};
template <>
struct Entity<NewerCustomer> {
  static constexpr auto table = "identity_customers";
  static constexpr KeySpace keys{"billing", "customer"};
  static std::string id(const NewerCustomer& customer) { return customer.id; }
};

namespace {

class CellIdentityTest : public ::testing::Test {
 protected:
  CellIdentityTest() { EXPECT_THAT(redis().command({"FLUSHALL"}), IsOk()); }

  static LocalPostgres& postgres() { return sharedServers().postgres(); }
  static testing::LocalRedis& redis() { return sharedServers().redis(); }

  struct Service {
    std::shared_ptr<InMemoryMetrics> metrics = std::make_shared<InMemoryMetrics>();
    Backends backends;

    std::int64_t hits() const { return metrics->count("strata_cache_hits_total"); }
    std::int64_t rejected(const std::string& reason) const {
      return metrics->count("strata_cache_rejected_cells_total", {{"reason", reason}});
    }
  };
  // All of one app on one Redis.
  static Service serviceOn(const std::string& database_url) {
    Config config;
    config.app = "identity";
    config.database_url = database_url;
    config.cache_url = redis().url();
    Service service;
    service.backends = connect(config, {.metrics = service.metrics}).value();
    return service;
  }
  static std::string urlAs(const std::string& role, const std::string& database) {
    std::string url = postgres().url(database);
    const std::size_t begin = std::string("postgresql://").size();
    return url.replace(begin, url.find('@') - begin, role + ":secret");
  }
};

std::int64_t amountIn(Store<Invoice>& invoices) {
  const auto found = invoices.get("1");
  EXPECT_THAT(found, IsOk());
  return found.ok() && *found != nullptr ? (**found).amount : 0;
}

// Two services that share a Redis and an app read each other's rows from it.
TEST_F(CellIdentityTest, ServicesWithDatabasesOfTheirOwnReadTheirOwnRows) {
  Service one = serviceOn(postgres().createDatabase("identity_one").value());
  Service two = serviceOn(postgres().createDatabase("identity_two").value());
  auto invoices_one = createStore<Invoice>(one.backends).value();
  auto invoices_two = createStore<Invoice>(two.backends).value();
  ASSERT_THAT(invoices_one->put({"1", 100}), IsOk());
  ASSERT_THAT(invoices_two->put({"1", 999}), IsOk());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(amountIn(*invoices_one), 100);
    EXPECT_EQ(amountIn(*invoices_two), 999);
  }
  EXPECT_EQ(one.rejected("other_identity"), 2);
  EXPECT_EQ(amountIn(*invoices_two), 999);
  EXPECT_EQ(two.hits(), 1) << "replaced and then used; not bypassed until it expires";
}

// A database that is made from another one has a copy of its tables, strata_identity included.
TEST_F(CellIdentityTest, ADatabaseMadeFromATemplateIsAnotherOne) {
  {
    Service one = serviceOn(postgres().createDatabase("identity_one").value());
    ASSERT_THAT(createStore<Invoice>(one.backends).value()->put({"1", 100}), IsOk());
  }
  ASSERT_THAT(postgres().query("DROP DATABASE IF EXISTS identity_copy"), IsOk());
  ASSERT_THAT(postgres().query("CREATE DATABASE identity_copy TEMPLATE identity_one"), IsOk());
  Service one = serviceOn(postgres().url("identity_one"));
  Service copy = serviceOn(postgres().url("identity_copy"));
  auto invoices_one = createStore<Invoice>(one.backends).value();
  auto invoices_copy = createStore<Invoice>(copy.backends).value();
  ASSERT_THAT(invoices_copy->put({"1", 999}), IsOk());
  EXPECT_EQ(amountIn(*invoices_one), 100);
  EXPECT_EQ(amountIn(*invoices_copy), 999);
}

TEST_F(CellIdentityTest, TablesOfOneNameInTwoSchemasAreTwo) {
  const std::string url = postgres().createDatabase("identity_one").value();
  ASSERT_THAT(postgres().query("CREATE SCHEMA a; CREATE SCHEMA b", "identity_one"), IsOk());
  Service both = serviceOn(url);
  auto shared = createStore<Invoice>(both.backends).value();  // strata_identity is in public
  ASSERT_THAT(postgres().query("CREATE TABLE a.identity_invoices (LIKE identity_invoices INCLUDING"
                               " ALL); CREATE TABLE b.identity_invoices (LIKE identity_invoices"
                               " INCLUDING ALL)",
                               "identity_one"),
              IsOk());
  const auto in = [&url](const std::string& schema) {
    return serviceOn(url + (url.find('?') == std::string::npos ? "?" : "&") +
                     "options=-csearch_path%3D" + schema + ",public");
  };
  Service a = in("a");
  Service b = in("b");
  auto invoices_a = createStore<Invoice>(a.backends).value();
  auto invoices_b = createStore<Invoice>(b.backends).value();
  ASSERT_THAT(invoices_a->put({"1", 100}), IsOk());
  ASSERT_THAT(invoices_b->put({"1", 999}), IsOk());
  EXPECT_EQ(amountIn(*invoices_a), 100);
  EXPECT_EQ(amountIn(*invoices_b), 999);
  EXPECT_EQ(amountIn(*shared), 0);
}

TEST_F(CellIdentityTest, IsStoredOnceAndReadByEveryProcess) {
  const std::string url = postgres().createDatabase("identity_one").value();
  for (int i = 0; i < 2; ++i) {
    Service service = serviceOn(url);
    auto invoices = createStore<Invoice>(service.backends).value();
    ASSERT_THAT(invoices->put({"1", 100}), IsOk());
    amountIn(*invoices);
    EXPECT_EQ(service.rejected("other_identity"), 0);
  }
  const auto rows =
      postgres().query("SELECT count(*), min(length(id)) > 0 FROM strata_identity", "identity_one");
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ((*rows)[0][0], "1");
  EXPECT_EQ((*rows)[0][1], "t");
}

TEST_F(CellIdentityTest, ProcessesThatStartTogetherAgree) {
  const std::string url = postgres().createDatabase("identity_one").value();
  std::vector<Service> services;
  for (int i = 0; i < 6; ++i) services.push_back(serviceOn(url));
  static constexpr Migration kMigrations[] = {{"identity", 1, "none", "SELECT 1"}};
  {
    std::vector<std::jthread> threads;
    for (Service& service : services) {
      threads.emplace_back(
          [&] { EXPECT_THAT(applyMigrations(*service.backends.database, kMigrations), IsOk()); });
      threads.emplace_back([&] { EXPECT_THAT(createStore<Invoice>(service.backends), IsOk()); });
    }
  }
  ASSERT_THAT(createStore<Invoice>(services[0].backends).value()->put({"1", 100}), IsOk());
  for (Service& service : services) {
    EXPECT_EQ(amountIn(*createStore<Invoice>(service.backends).value()), 100);
    EXPECT_EQ(service.rejected("other_identity"), 0);
  }
  EXPECT_EQ(services.back().hits(), 1);
}

// A role that may only read works, and shares the copies of those that may write, whichever of them
// comes first.
TEST_F(CellIdentityTest, ARoleThatMayOnlyReadSharesTheCopies) {
  const std::string url = postgres().createDatabase("identity_one").value();
  // The tables are there and strata_identity is not: made by something else.
  { createStore<Invoice>(serviceOn(url).backends).value(); }
  ASSERT_THAT(postgres().query("DROP TABLE strata_identity; INSERT INTO identity_invoices"
                               " VALUES ('1', 100); DROP ROLE IF EXISTS identity_reader;"
                               " CREATE ROLE identity_reader LOGIN PASSWORD 'secret';"
                               " REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
                               " GRANT SELECT ON identity_invoices TO identity_reader",
                               "identity_one"),
              IsOk());
  Service reader = serviceOn(urlAs("identity_reader", "identity_one"));
  auto read_only = createStore<Invoice>(reader.backends).value();
  EXPECT_EQ(amountIn(*read_only), 100);
  EXPECT_EQ(amountIn(*read_only), 100);
  EXPECT_EQ(reader.hits(), 1) << "without the table";

  Service writer = serviceOn(url);
  auto read_write = createStore<Invoice>(writer.backends).value();
  EXPECT_EQ(amountIn(*read_write), 100);
  EXPECT_EQ(writer.hits(), 1) << "the copy of the reader";
  Service later = serviceOn(urlAs("identity_reader", "identity_one"));
  auto with_table = createStore<Invoice>(later.backends).value();
  EXPECT_EQ(amountIn(*with_table), 100);
  EXPECT_EQ(later.hits(), 1);
  EXPECT_EQ(reader.rejected("other_identity") + writer.rejected("other_identity") +
                later.rejected("other_identity"),
            0);
}

// Where a role can find out no id at all, nothing is read from the cache, and all works.
TEST_F(CellIdentityTest, ARoleThatCanFindNoIdReadsPastTheCache) {
  const std::string url = postgres().createDatabase("identity_one").value();
  { createStore<Invoice>(serviceOn(url).backends).value(); }
  ASSERT_THAT(postgres().query("DROP TABLE strata_identity; INSERT INTO identity_invoices"
                               " VALUES ('1', 100); DROP ROLE IF EXISTS identity_blind;"
                               " CREATE ROLE identity_blind LOGIN PASSWORD 'secret';"
                               " REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
                               " REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC;"
                               " GRANT SELECT ON identity_invoices TO identity_blind",
                               "identity_one"),
              IsOk());
  Service blind = serviceOn(urlAs("identity_blind", "identity_one"));
  auto invoices = createStore<Invoice>(blind.backends).value();
  EXPECT_EQ(amountIn(*invoices), 100);
  EXPECT_EQ(amountIn(*invoices), 100);
  EXPECT_EQ(blind.hits(), 0);
  EXPECT_EQ(*redis().command({"DBSIZE"}), "0");
}

// Old and new binary in turns on one row: it was 200 reads, no hit, 200 rejected cells.
// B-61
TEST_F(CellIdentityTest, ARollingDeployKeepsItsHits) {
  const std::string url = postgres().createDatabase("identity_deploy").value();
  Service older = serviceOn(url);
  auto old_customers = createStore<Customer>(older.backends).value();
  ASSERT_THAT(old_customers->put({"1", "555", {{"Delft"}, {"Leiden"}}}), IsOk());
  Service newer = serviceOn(url);
  auto new_customers = createStore<NewerCustomer>(newer.backends).value();
  for (int i = 0; i < 100; ++i) {
    const auto by_old = old_customers->get("1");
    ASSERT_THAT(by_old, IsOk());
    EXPECT_EQ((**by_old).addresses.at(1).city, "Leiden");
    const auto by_new = new_customers->get("1");
    ASSERT_THAT(by_new, IsOk());
    EXPECT_EQ((**by_new).addresses.at(1).city, "Leiden");
  }
  std::cout << "200 reads: " << older.hits() + newer.hits() << " hits, "
            << older.rejected("other_type") + newer.rejected("other_type") << " rejected cells\n";
  EXPECT_EQ(older.hits() + newer.hits(), 198);
  EXPECT_EQ(older.rejected("other_type"), 0);
  EXPECT_EQ(newer.rejected("other_type"), 1);

  // With a write of one or the other among every twenty reads.
  const std::int64_t before = older.hits() + newer.hits();
  for (int i = 0; i < 200; ++i) {
    if (i % 40 == 0) {
      ASSERT_THAT(old_customers->put({"1", std::to_string(i), {}}), IsOk());
    } else if (i % 40 == 20) {
      ASSERT_THAT(new_customers->put({"1", std::to_string(i), {}, i}), IsOk());
    }
    const std::string phone = std::to_string(i - i % 20);
    const auto by_old = old_customers->get("1");
    const auto by_new = new_customers->get("1");
    ASSERT_THAT(by_old, IsOk());
    ASSERT_THAT(by_new, IsOk());
    EXPECT_EQ((**by_old).phone, phone);
    EXPECT_EQ((**by_new).phone, phone);
  }
  std::cout << "400 reads among 10 writes: " << older.hits() + newer.hits() - before << " hits\n";
  EXPECT_GE(older.hits() + newer.hits() - before, 380);
}

}  // namespace
}  // namespace strata
