// The peer: google/nftables doing what bench/ measures. Prints the milliseconds that the work took, from values in memory to
// the last reply. Usage: google-nftables elements COUNT | rules COUNT | list-rules   (in the network namespace to work in)
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
)

const largeBuffer = 256 << 20

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "google-nftables:", err)
		os.Exit(1)
	}
}

// open gives a lasting connection with buffers that hold what is sent: with its defaults 1,000,000 elements fail.
func open() *nftables.Conn {
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(socket *netlink.Conn) error {
		if err := socket.SetWriteBuffer(largeBuffer); err != nil {
			return err
		}
		return socket.SetReadBuffer(largeBuffer)
	}))
	check(err)
	return conn
}

func table(conn *nftables.Conn) *nftables.Table {
	return conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "bench"})
}

func elements(count int) time.Duration {
	addresses := make([]net.IP, count)
	for i := range addresses {
		addresses[i] = net.IPv4(10, byte(i>>16), byte(i>>8), byte(i)).To4()
	}
	conn := open()
	start := time.Now()
	set := &nftables.Set{Table: table(conn), Name: "blocked", KeyType: nftables.TypeIPAddr}
	elements := make([]nftables.SetElement, count)
	for i, address := range addresses {
		elements[i] = nftables.SetElement{Key: address}
	}
	check(conn.AddSet(set, nil))
	// More in one call wrap its 16-bit attribute length: nothing fails, and most are not stored.
	const chunk = 2000
	for len(elements) > 0 {
		n := min(chunk, len(elements))
		check(conn.SetAddElements(set, elements[:n]))
		elements = elements[n:]
	}
	check(conn.Flush())
	return time.Since(start)
}

func chain(conn *nftables.Conn) *nftables.Chain {
	return conn.AddChain(&nftables.Chain{Name: "rules", Table: table(conn)})
}

// ip saddr X tcp dport Y counter accept
func addRules(conn *nftables.Conn, chain *nftables.Chain, count int) {
	for i := 0; i < count; i++ {
		conn.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: []expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{10, 0, byte(i >> 8), byte(i)}},
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{6}},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(uint16(1 + i%60000))},
			&expr.Counter{},
			&expr.Verdict{Kind: expr.VerdictAccept},
		}})
	}
}

func rules(count int) time.Duration {
	conn := open()
	chain := chain(conn)
	check(conn.Flush())
	start := time.Now()
	addRules(conn, chain, count)
	check(conn.Flush())
	return time.Since(start)
}

// listRules lists the rules that are in the chain already.
func listRules() time.Duration {
	conn := open()
	table := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "bench"}
	start := time.Now()
	_, err := conn.GetRules(table, &nftables.Chain{Name: "rules", Table: table})
	check(err)
	return time.Since(start)
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: google-nftables elements COUNT | rules COUNT | list-rules")
		os.Exit(2)
	}
	count := 0
	if len(os.Args) > 2 {
		var err error
		count, err = strconv.Atoi(os.Args[2])
		check(err)
	}
	var took time.Duration
	switch os.Args[1] {
	case "elements":
		took = elements(count)
	case "rules":
		took = rules(count)
	case "list-rules":
		took = listRules()
	}
	fmt.Printf("%.3f\n", float64(took.Microseconds())/1000)
}
