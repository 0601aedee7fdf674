# Where native/*/Makefile put what they make, and how strict the compiler is.
OUT ?= $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../build/native)
WARNINGS := -Wall -Wextra -Werror
SANITIZE := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
