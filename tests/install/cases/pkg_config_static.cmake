set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
run("asking for flags" pkg-config --static --cflags --libs pith)
# The archive by name, since the linker prefers a shared library of the same name.
string(REPLACE "-lpith" "-l:libpith.a" output "${output}")
separate_arguments(package UNIX_COMMAND "${output}")
run("compiling" ${CXX} -std=c++20 ${sanitize} ${projects}/app/main.cpp -o ${case_dir}/app ${package})
run("running" ${case_dir}/app ${WORK_DIR}/no-such-model.gguf)
