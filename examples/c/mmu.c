/*
 * The machine's memory-management unit in C: what ../emulator/machine.ts does in AssemblyScript.
 *
 *   clang --target=wasm32 -O3 -nostdlib -I node_modules/vmaple/dist/include \
 *     -Wl,--no-entry -Wl,--export-dynamic -o mmu.wasm mmu.c
 *
 * A guest address goes through a direct-mapped TLB. An entry is used only while mm_lock_seq has
 * not moved since the TLB was emptied: a change by any worker is seen at the next access.
 */
#include "vmaple.h"

#define PAGE_SHIFT 12
#define TLB_ENTRIES 256

struct tlb_entry {
	uint64_t page; /* plus one; 0 is empty */
	uint32_t flags;
};

static struct tlb_entry tlb[TLB_ENTRIES];
static double sequence = -1;

static void flush(double now)
{
	for (int n = 0; n < TLB_ENTRIES; n++)
		tlb[n].page = 0;
	sequence = now;
}

/* The per-VMA lock first, then the mmap lock: as the kernel does. */
static uint32_t flags_at(uint32_t mm, uint64_t address)
{
	uint32_t flags = 0;
	uint32_t vma = vmaple_lock_vma_under_rcu_i64(mm, address);

	if (vma != 0) {
		flags = (uint32_t)vmaple_vma_flags(vma);
		vmaple_vma_end_read(vma);
		return flags;
	}
	if (vmaple_mmap_read_lock(mm) != 0)
		return 0;
	vma = vmaple_vma_lookup_i64(mm, address);
	if (vma != 0)
		flags = (uint32_t)vmaple_vma_flags(vma);
	vmaple_mmap_read_unlock(mm);
	return flags;
}

/* 0, or a fault: VMAPLE_FAULT_SEGV_MAPERR and the like. `access` is a VMAPLE_ACCESS number. */
int32_t mmu_check(uint32_t mm, uint64_t address, uint32_t access)
{
	double now = vmaple_mm_stat(mm, VMAPLE_MM_STAT_SEQUENCE);
	uint64_t page = address >> PAGE_SHIFT;
	struct tlb_entry *entry = &tlb[page % TLB_ENTRIES];
	uint32_t right = 1u << (access == VMAPLE_ACCESS_WRITE ? VMAPLE_VM_BIT_WRITE
							      : VMAPLE_VM_BIT_READ);
	int32_t fault;

	if (now != sequence)
		flush(now);
	if (entry->page == page + 1 && (entry->flags & right) != 0)
		return VMAPLE_FAULT_OK;
	fault = vmaple_handle_mm_fault_i64(mm, address, access) & VMAPLE_FAULT_OUTCOME_MASK;
	if (fault != VMAPLE_FAULT_OK)
		return fault;
	entry->flags = flags_at(mm, address);
	/* Odd: a writer was inside, and nothing may be remembered. */
	entry->page = (uint64_t)now % 2 == 0 ? page + 1 : 0;
	return VMAPLE_FAULT_OK;
}
