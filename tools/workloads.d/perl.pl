# Regular expressions, hashes, sorting, strings, floating point.
use strict;
use warnings;
my (%count, @words);
for my $i (1 .. 20000) {
    push @words, sprintf("%08x", ($i * 40503) % 1000003 * 4099 % 4294967296);
}
for my $w (sort { reverse($a) cmp reverse($b) } @words) {
    $count{substr $w, -2}++;
}
my $text = join ' ', @words;
my $found = () = $text =~ /([a-f])\d+\1/g;
(my $changed = $text) =~ s/(\d)([a-f])/$2$1/g;
my $sum = 0;
$sum += sqrt($_) * sin($_) for 1 .. 30000;
printf "%d %d %d %.3f\n", scalar(keys %count), $found, $changed =~ tr/a//, $sum;
