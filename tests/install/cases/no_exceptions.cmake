set(flags "-fno-exceptions -fno-rtti")
configure(app -D SOURCE=no_exceptions.cpp)
build_and_run()
