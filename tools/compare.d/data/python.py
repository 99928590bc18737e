# Dictionaries, lists, strings, integers of any size, floating point, objects; the argument is how much.
import sys


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def norm(self):
        return (self.x * self.x + self.y * self.y) ** 0.5


def primes(limit):
    sieve = bytearray([1]) * limit
    for i in range(2, int(limit ** 0.5) + 1):
        if sieve[i]:
            sieve[i * i::i] = bytes(len(range(i * i, limit, i)))
    return [i for i in range(2, limit) if sieve[i]]


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


size = int(sys.argv[1])
words = ["%08x" % (i * 2654435761 % 2 ** 32) for i in range(size)]
words.sort(key=lambda w: w[::-1])
count = {}
for w in words:
    count[w[:2]] = count.get(w[:2], 0) + 1
total = sum(Point(i, i + 1).norm() for i in range(size))
big = 1
for i in range(1, 200):
    big *= i
print(len(primes(size * 5)), len(count), int(total), fib(16), len(str(big)), " ".join(words).count("ff"))
