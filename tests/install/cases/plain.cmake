# find_package() and a link, with the standard that the compiler has by default.
configure(app -D SOURCE=main.cpp)
build_and_run()
