# Where native/*/Makefile put what they make, and how strict the compiler is.
OUT ?= $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../build/native)
WARNINGS := -Wall -Wextra -Werror
# For programs that are started for each container: linked with musl they start in a quarter of the CPU time that glibc takes to look at
# the processor, and are a quarter of the size.
STATIC_CC := $(or $(shell command -v musl-gcc),$(CC))
SANITIZE := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
NODE ?= node
# The headers of the node that runs; asked for where it is used.
NODE_INCLUDE = $(shell $(NODE) -p "const beside = require('path').resolve(process.execPath, '../../include/node'); \
	require('fs').existsSync(beside + '/node_api.h') ? beside : '/usr/include/node'")
