configure(prefixes)
build_and_run()
