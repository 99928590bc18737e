/* mark COMMAND...: run the command between the two marks that tell stitch86 -profile what to count: a 1 and
 * a 0 to port 0xea.  For the guest: built static for i386, run as root. */
#include <stdio.h>
#include <sys/io.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROFILE_PORT 0xea

int main(int argc, char **argv)
{
    int status;
    if (argc < 2) {
        fputs("usage: mark COMMAND...\n", stderr);
        return 2;
    }
    if (ioperm(PROFILE_PORT, 1, 1) != 0) {
        perror("mark: ioperm");
        return 2;
    }
    outb(1, PROFILE_PORT);
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("mark");
        return 2;
    }
    outb(0, PROFILE_PORT);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}
