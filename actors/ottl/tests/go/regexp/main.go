// Command regexp writes what Go's regexp package makes of patterns, one a line: the error, or the names of its groups with
// all matches in some texts and what becomes of the texts when matches are replaced. Run it from this module as
// `go run ./regexp [-random <count>] [-seed <number>]`.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"log"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
)

// entry is what Go makes of a pattern.
type entry struct {
	Pattern string   `json:"pattern"`
	Error   string   `json:"error,omitempty"`
	Names   []string `json:"names,omitempty"`
	Texts   []match  `json:"texts,omitempty"`
}

// match is what Go finds in a text: for each match begin and end of each group, -1 for those that took no part.
type match struct {
	Text     string  `json:"text"`
	Matches  [][]int `json:"matches,omitempty"`
	Template string  `json:"template"`
	Replaced string  `json:"replaced"`
}

func look(pattern string, texts, templates []string) entry {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return entry{Pattern: pattern, Error: strings.TrimPrefix(err.Error(), "error parsing regexp: ")}
	}
	e := entry{Pattern: pattern, Names: re.SubexpNames()}
	for i, text := range texts {
		template := templates[i%len(templates)]
		e.Texts = append(e.Texts, match{text, re.FindAllStringSubmatchIndex(text, -1), template, re.ReplaceAllString(text, template)})
	}
	return e
}

// random puts a pattern together from pieces that mean something at one place or another.
func random(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(7) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	// Most that come out of this are wrong for want of a bracket.
	if s := b.String(); r.IntN(4) > 0 {
		if n := strings.Count(s, "[") - strings.Count(s, "]"); n > 0 {
			b.WriteString(strings.Repeat("]", n))
		}
		if n := strings.Count(s, "(") - strings.Count(s, ")"); n > 0 {
			b.WriteString(strings.Repeat(")", n))
		}
	}
	return b.String()
}

// text puts a text together in which something may be found.
func text(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(8) {
		b.WriteString(fragments[r.IntN(len(fragments))])
	}
	return b.String()
}

func main() {
	count := flag.Int("random", 0, "how many random patterns come behind the chosen ones")
	seed := flag.Uint64("seed", 1, "what they depend on")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	write := func(e entry) {
		if err := encoder.Encode(e); err != nil {
			log.Fatal(err)
		}
	}
	for _, group := range groups {
		for _, pattern := range group.patterns {
			write(look(pattern, group.texts, slices.Concat(group.templates, []string{"<$0>"})))
		}
	}
	r := rand.New(rand.NewPCG(*seed, 0))
	for range *count {
		templates := []string{"<$0>", "$1-${2}", "${n}$x$$"}
		write(look(random(r), []string{text(r), text(r), text(r)}, templates))
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}
