# 200 commands, each a process of its own: by their path, as BusyBox's shell runs a bare name within itself.
bin=/workloads
i=0
while [ "$i" -lt 25 ]; do
    "$bin/mkdir" "d$i"
    echo "line $i of some text" >"d$i/f"
    "$bin/cat" "d$i/f" >>all
    "$bin/sed" -n 's/line \([0-9]*\).*/\1/p' "d$i/f" >>numbers
    "$bin/ls" "d$i" >>names
    "$bin/cut" -d ' ' -f 2 "d$i/f" >>cut
    "$bin/grep" -c line all >>counts
    "$bin/wc" -l all >>lengths
    "$bin/rm" -r "d$i"
    i=$((i + 1))
done
"$bin/sort" -n numbers | "$bin/tail" -n 1
"$bin/sort" -rn counts | "$bin/head" -n 1
