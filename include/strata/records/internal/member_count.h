// Whether a type has more members than its Boost.Describe description names. A member that was left
// out would be kept by a store in memory and lost by every other.
#pragma once

#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <boost/mp11/list.hpp>
#include <boost/preprocessor/repetition/enum.hpp>
#include <boost/preprocessor/repetition/repeat_from_to.hpp>
#include <cstddef>
#include <type_traits>

namespace strata::internal {

// How many members a description may have to be checked.
inline constexpr std::size_t kMostCountedMembers = 127;

// Whether `T{{}, {}, …}` of N pairs of braces compiles: an aggregate has N elements at least, which
// are its members and its bases. An array is one element.
template <std::size_t N>
struct Braces {
  template <typename T>
  static constexpr bool initialize = false;
};

#define STRATA_BRACES(z, n, unused) \
  {}
#define STRATA_INITIALIZED_BY(z, n, unused)       \
  template <>                                     \
  struct Braces<n> {                              \
    template <typename T>                         \
    static constexpr bool initialize = requires { \
      T{BOOST_PP_ENUM(n, STRATA_BRACES, )};       \
    };                                            \
  };
BOOST_PP_REPEAT_FROM_TO(1, 129, STRATA_INITIALIZED_BY, )
#undef STRATA_INITIALIZED_BY
#undef STRATA_BRACES

// Becomes every base of T, and nothing else.
template <typename T>
struct AnyBaseOf {
  template <typename Base>
  // NOLINTNEXTLINE(google-explicit-constructor): an initializer converts implicitly.
  requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>) operator Base() const;
};

// False also where it cannot be told: T has constructors, private members, bases, or a member that
// `{}` does not initialize.
template <typename T, std::size_t Described>
consteval bool hasMoreMembers() {
  if constexpr (!std::is_aggregate_v<T> || Described > kMostCountedMembers) {
    return false;
  } else if constexpr (requires { T{AnyBaseOf<T>{}}; }) {
    return false;
  } else {
    return Braces<Described + 1>::template initialize<T>;
  }
}

// Whether the description of T names its members, all of them as far as they can be counted.
template <typename T>
inline constexpr bool has_every_member = !hasMoreMembers<
    T, boost::mp11::mp_size<boost::describe::describe_members<
           T, boost::describe::mod_any_access | boost::describe::mod_inherited>>::value>();

}  // namespace strata::internal
