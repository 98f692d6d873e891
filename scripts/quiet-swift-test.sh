#!/bin/bash
# quiet-swift-test.sh: of the output of `swift test`, what a person wants to see.
#
# The full log lies in .build/test-logs.
grep --line-buffered -E '✘|error:|warning:|recorded an issue|↳|Test run with|Fatal|fatalError|Sanitizer|SUMMARY|Build complete|Compiling [0-9]' || true
