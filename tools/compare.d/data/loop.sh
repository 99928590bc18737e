# What a shell does by itself: words, arithmetic, patterns, functions; the argument is how much.
collatz() {
    n=$1
    steps=0
    while [ "$n" -ne 1 ]; do
        if [ $((n % 2)) -eq 0 ]; then
            n=$((n / 2))
        else
            n=$((3 * n + 1))
        fi
        steps=$((steps + 1))
    done
}
total=0
kinds=
i=1
while [ "$i" -le "$1" ]; do
    collatz "$i"
    total=$((total + steps))
    case $steps in
    *7) kinds=${kinds}s ;;
    1?) kinds=${kinds}t ;;
    esac
    name=file-$i.tar.gz
    base=${name%.gz}
    total=$((total + ${#base}))
    i=$((i + 1))
done
echo "$total ${#kinds}"
