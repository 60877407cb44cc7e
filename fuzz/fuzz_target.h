// What a fuzz target defines, and what standalone_main.cpp calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// Must return 0 for any bytes, and must not crash.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Inputs to begin with. Only for standalone_main.cpp.
std::span<const std::string_view> fuzzCorpus();
