//! heapwright
