# Regular expressions, hashes, sorting, strings, calls, floating point; the argument is how much.
use strict;
use warnings;
my $size = $ARGV[0];
my (%count, @words);
for my $i (1 .. $size) {
    push @words, sprintf("%08x", ($i * 40503) % 1000003 * 4099 % 4294967296);
}
for my $w (sort { reverse($a) cmp reverse($b) } @words) {
    $count{substr $w, -2}++;
}
my $text = join ' ', @words;
my $found = () = $text =~ /([a-f])\d+\1/g;
(my $changed = $text) =~ s/(\d)([a-f])/$2$1/g;
sub fib { my $n = shift; return $n < 2 ? $n : fib($n - 1) + fib($n - 2) }
my $sum = 0;
$sum += sqrt($_) * sin($_) for 1 .. $size;
printf "%d %d %d %d %.3f\n", scalar(keys %count), $found, $changed =~ tr/a//, fib(17), $sum;
