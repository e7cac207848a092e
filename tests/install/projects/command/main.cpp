#include <pith/command.h>

int main(int argc, char** argv) { return pith::run_command(argc, argv); }
