use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async unsafe fn not_safe(&self) {}

    #[invoke(oneway)]
    pub extern "C" fn foreign(&self) {}

    #[invoke(oneway)]
    pub const fn constant(&self) {}
}

fn main() {}
