// A small application: nine types of records, a store of each, written and read.
#include "strata/strata.h"

struct Account {
  std::string id, owner, title;
  std::optional<std::string> note;
  std::int64_t amount = 0;
  bool active = true;
  std::vector<std::string> tags;
  strata::Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, owner, title, note, amount, active, tags, created_at))

struct Order {
  std::string id, owner, title;
  std::optional<std::string> note;
  std::int64_t amount = 0;
  bool active = true;
  std::vector<std::string> tags;
  strata::Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Order, (), (id, owner, title, note, amount, active, tags, created_at))

struct Product {
  std::string id, owner, title;
  std::optional<std::string> note;
  std::int64_t amount = 0;
  bool active = true;
  std::vector<std::string> tags;
  strata::Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Product, (), (id, owner, title, note, amount, active, tags, created_at))

struct Invoice {
  std::string id, owner, title;
  std::optional<std::string> note;
  std::int64_t amount = 0;
  bool active = true;
  std::vector<std::string> tags;
  strata::Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Invoice, (), (id, owner, title, note, amount, active, tags, created_at))

struct Shipment {
  std::string id, owner, title;
  std::optional<std::string> note;
  std::int64_t amount = 0;
  bool active = true;
  std::vector<std::string> tags;
  strata::Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Shipment, (), (id, owner, title, note, amount, active, tags, created_at))

struct Review {
  std::string id, owner, title;
  std::optional<std::string> note;
  std::int64_t amount = 0;
  bool active = true;
  std::vector<std::string> tags;
  strata::Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Review, (), (id, owner, title, note, amount, active, tags, created_at))

struct Coupon {
  std::string id, owner, title;
  std::optional<std::string> note;
  std::int64_t amount = 0;
  bool active = true;
  std::vector<std::string> tags;
  strata::Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Coupon, (), (id, owner, title, note, amount, active, tags, created_at))

struct Address {
  std::string id, owner, title;
  std::optional<std::string> note;
  std::int64_t amount = 0;
  bool active = true;
  std::vector<std::string> tags;
  strata::Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Address, (), (id, owner, title, note, amount, active, tags, created_at))

struct Ticket {
  std::string id, owner, title;
  std::optional<std::string> note;
  std::int64_t amount = 0;
  bool active = true;
  std::vector<std::string> tags;
  strata::Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Ticket, (), (id, owner, title, note, amount, active, tags, created_at))

template <>
struct strata::Entity<Account> {
  static constexpr auto table = "accounts";
  static constexpr strata::KeySpace keys{"shop", "account"};
  static std::string id(const Account& record) { return record.id; }
};

template <>
struct strata::Entity<Order> {
  static constexpr auto table = "orders";
  static constexpr strata::KeySpace keys{"shop", "order"};
  static std::string id(const Order& record) { return record.id; }
};

template <>
struct strata::Entity<Product> {
  static constexpr auto table = "products";
  static constexpr strata::KeySpace keys{"shop", "product"};
  static std::string id(const Product& record) { return record.id; }
};

template <>
struct strata::Entity<Invoice> {
  static constexpr auto table = "invoices";
  static constexpr strata::KeySpace keys{"shop", "invoice"};
  static std::string id(const Invoice& record) { return record.id; }
};

template <>
struct strata::Entity<Shipment> {
  static constexpr auto table = "shipments";
  static constexpr strata::KeySpace keys{"shop", "shipment"};
  static std::string id(const Shipment& record) { return record.id; }
};

template <>
struct strata::Entity<Review> {
  static constexpr auto table = "reviews";
  static constexpr strata::KeySpace keys{"shop", "review"};
  static std::string id(const Review& record) { return record.id; }
};

template <>
struct strata::Entity<Coupon> {
  static constexpr auto table = "coupons";
  static constexpr strata::KeySpace keys{"shop", "coupon"};
  static std::string id(const Coupon& record) { return record.id; }
};

template <>
struct strata::Entity<Address> {
  static constexpr auto table = "addresss";
  static constexpr strata::KeySpace keys{"shop", "address"};
  static std::string id(const Address& record) { return record.id; }
};

template <>
struct strata::Entity<Ticket> {
  static constexpr auto table = "tickets";
  static constexpr strata::KeySpace keys{"shop", "ticket"};
  static std::string id(const Ticket& record) { return record.id; }
};

template <typename T>
absl::Status copy(const strata::Backends& backends) {
  auto store = strata::createStore<T>(backends);
  if (!store.ok()) return store.status();
  auto found = (*store)->get("1");
  if (!found.ok() || *found == nullptr) return found.status();
  T other = **found;
  other.id = "2";
  return (*store)->put(other).status();
}

int main() {
  auto backends = strata::connect({});
  if (!backends.ok()) return 1;
  if (!copy<Account>(*backends).ok()) return 1;
  if (!copy<Order>(*backends).ok()) return 1;
  if (!copy<Product>(*backends).ok()) return 1;
  if (!copy<Invoice>(*backends).ok()) return 1;
  if (!copy<Shipment>(*backends).ok()) return 1;
  if (!copy<Review>(*backends).ok()) return 1;
  if (!copy<Coupon>(*backends).ok()) return 1;
  if (!copy<Address>(*backends).ok()) return 1;
  if (!copy<Ticket>(*backends).ok()) return 1;
  return 0;
}
