// Work that may block, off the threads of sockets.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

namespace copilot {

// What `function()` returns, run on a thread of `pool`.
template <typename F>
boost::asio::awaitable<std::invoke_result_t<F>> runOn(boost::asio::thread_pool& pool, F function) {
  auto work = [function =
                   std::move(function)]() -> boost::asio::awaitable<std::invoke_result_t<F>> {
    co_return function();
  };
  co_return co_await boost::asio::co_spawn(pool, std::move(work), boost::asio::use_awaitable);
}

}  // namespace copilot
