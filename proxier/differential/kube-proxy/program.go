//go:build program

// Package program names the program that this module pins, so that go.sum holds what building it needs.
package program

import _ "k8s.io/kubernetes/cmd/kube-proxy"
