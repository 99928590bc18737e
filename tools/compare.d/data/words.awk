{
    lines++
    for (i = 1; i <= NF; i++) {
        word = $i
        gsub(/,/, "", word)
        count[word]++
        if (length(word) > length(longest))
            longest = word
    }
    if ($0 ~ /ver.*con/)
        both++
    sum += substr($NF, 1, 3) == "tio"
}
END {
    for (word in count)
        if (count[word] > top) {
            top = count[word]
            common = word
        }
    printf "%d %s %d %d %d\n", lines, longest, top, both, sum
}
