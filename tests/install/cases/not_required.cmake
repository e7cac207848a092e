# A dependency that is missing makes the package not found; it does not end the configuration of a project that can do
# without.
configure(not_required -D CMAKE_DISABLE_FIND_PACKAGE_spdlog=ON)
expect("pith_FOUND=0")
expect("pith_NOT_FOUND_MESSAGE=pith's static part needs what was not found: spdlog")
